#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

// A second judge of proofs of congruences and of witnesses, slow and plain. It shares no code with
// theorems/: it reads a line by its shape ("N*N=N=N*N+N"), names terms by text and follows
// references by recursion.
namespace slow {

__extension__ using Wide = __int128;

struct Judgement {
  bool readable = false;
  int halves = 0;
  std::string statuses;  // a letter a line: o(k), g(ap), w(rong), d(epends)
};

// REQUIRES: a statement as the family writes it.
Judgement judge_congruence(const std::string& statement, const std::string& proof);
Judgement judge_witness(const std::string& statement, const std::string& proof);

// The claim itself, by calculation.
bool congruence_is_true(const std::string& statement);

// For a proof without a flaw, followed from its goal through the references as written: how many
// times each term is reached, less the times that the claim asks it. Empty: all is there.
std::map<std::string, int> terms_off(const std::string& statement, const std::string& proof);
// Whether the values that a proof takes last solve what is asked.
bool witness_solves(const std::string& statement, const std::string& proof);

// A line by its parts; the body by its shape, in which N stands for each number.
struct Row {
  std::string body, rule, shape;
  std::vector<int> refs;
  std::vector<Wide> numbers;
};
std::optional<std::vector<Row>> rows_of(const std::string& proof);  // nothing: unreadable

}  // namespace slow
