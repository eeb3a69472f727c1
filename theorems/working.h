#pragma once

#include <string>

#include "theorems/exact.h"

namespace theorems {

// Steps of a calculation in groups: "2*2=4 4*2=8; 8+10=18 not 19".
class Working {
 public:
  void add(const std::string& step);  // within the group
  void differs(const std::string& other) { add("not " + other); }
  void none() { add("none"); }  // what is left out
  void next_group() { fresh_ = true; }
  bool group_is_empty() const { return fresh_; }
  bool empty() const { return text_.empty(); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  bool fresh_ = true;
};

// As in arithmetic_steps.h, but numbers of either sign.
std::string signed_sum(Integer a, Integer b);       // "8-3=5"
std::string signed_product(Integer a, Integer b);   // the digits of the shorter factor in turn
std::string signed_division(Integer a, Integer m);  // of the magnitude of a

}  // namespace theorems
