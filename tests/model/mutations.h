#pragma once

#include <cstdint>
#include <random>
#include <string>

namespace tiny {

// Breaks files as strangers would: a function of the seed alone.
class Mutator {
 public:
  explicit Mutator(uint64_t seed) : random_(seed) {}

  // One to three changes: bits, bytes, pieces, JSON values, depth.
  std::string mutate(std::string text);

  // A *.safetensors file with a changed header, whose length is right again or not; or one that is
  // cut or has something behind it.
  std::string mutate_safetensors(const std::string& file);

  std::size_t below(std::size_t bound);

 private:
  void change(std::string& text);
  void replace_value(std::string& text);

  std::mt19937_64 random_;
};

}  // namespace tiny
