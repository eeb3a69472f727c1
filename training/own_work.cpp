#include "training/own_work.h"

#include <fmt/format.h>

#include <array>

#include <nlohmann/json.hpp>

#include "model/files.h"
#include "training/atomic_file.h"

namespace training {
namespace {

using Json = nlohmann::ordered_json;

std::string field(const Json& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end() || !found->is_string())
    throw std::invalid_argument(fmt::format("there is no text \"{}\"", name));
  return found->get<std::string>();
}

OwnWork read_line(std::string_view line) {
  const Json json = Json::parse(line, nullptr, false);
  if (!json.is_object()) throw std::invalid_argument("this is no JSON object");
  const std::string text = field(json, "statement");
  const auto statement = theorems::read_statement(text);
  const auto* read = std::get_if<theorems::Statement>(&statement);
  if (!read) throw std::invalid_argument("this is no statement of the domain: " + text);
  if (theorems::split_of(*read) != theorems::Split::Train)
    throw std::invalid_argument("this statement is not of the training split: " + text);
  return {
      .statement = *read, .proof = field(json, "proof"), .evaluation = field(json, "evaluation")};
}

}  // namespace

std::vector<OwnWork> sample_work(Player& player, const std::vector<theorems::Statement>& statements,
                                 const EvaluationPlan& plan) {
  std::vector<Judged> proofs;
  for (Attempt& attempt : attempt(player, statements, plan))
    if (attempt.readable) proofs.push_back(std::move(attempt.proof));
  const std::vector<Verified> votes = verify(player, proofs, plan.seed + 1, plan);
  std::vector<OwnWork> work;
  for (std::size_t i = 0; i < proofs.size(); ++i)
    work.push_back({.statement = proofs[i].statement,
                    .proof = proofs[i].proof,
                    .evaluation = votes[i].readable ? votes[i].text : std::string()});
  return work;
}

void write_own_work(const std::filesystem::path& file, const std::vector<OwnWork>& work) {
  std::string lines;
  for (const OwnWork& own : work) {
    const Json json = {
        {"statement", own.statement.text}, {"proof", own.proof}, {"evaluation", own.evaluation}};
    lines += json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  }
  write_atomically(file, std::array<std::string_view, 1>{lines});
}

std::vector<OwnWork> read_own_work(const std::filesystem::path& file) {
  std::string bytes;
  try {
    bytes = model::read_whole_file(file, kOwnWorkBytesMax);
  } catch (const model::Refused& error) {
    throw OwnWorkRefused(error.what());
  }
  std::vector<OwnWork> work;
  std::string_view rest = bytes;
  for (int64_t line = 1; !rest.empty(); ++line) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    try {
      if (end > 0) work.push_back(read_line(rest.substr(0, end)));
    } catch (const std::invalid_argument& error) {
      throw OwnWorkRefused(fmt::format("{}, line {}: {}; write the file anew with `train sample`",
                                       file.string(), line, error.what()));
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return work;
}

}  // namespace training
