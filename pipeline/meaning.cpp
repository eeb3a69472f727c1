#include "pipeline/meaning.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "text/sha256.h"

namespace pipeline {
namespace {

constexpr std::string_view kTemplates[] = {"generate", "verify", "meta_verify", "refine"};

using Json = nlohmann::ordered_json;

Json effort_json(const Effort& effort) {
  Effort copy = effort;
  Json json;
  for (const EffortNumber& number : effort_numbers())
    json[std::string(number.name)] = number.field(copy);
  json["mean-threshold"] = effort.votes.mean_threshold;
  json["stop-early"] = effort.stop_early;
  json["rule"] = to_text(effort.rule);
  return json;
}

StoredMeaning::StoredRole read_role(const Json& json) {
  StoredMeaning::StoredRole role;
  role.model = json.at("model");
  const Json& sampling = json.at("sampling");
  role.sampling.temperature = sampling.at("temperature");
  role.sampling.top_p = sampling.at("top_p");
  role.sampling.max_tokens = sampling.at("max_tokens");
  if (sampling.contains("top_k")) role.sampling.top_k = sampling.at("top_k").get<int64_t>();
  if (sampling.contains("min_p")) role.sampling.min_p = sampling.at("min_p").get<double>();
  return role;
}

}  // namespace

std::string to_json(const Meaning& meaning) {
  Json json{{"kind", meaning.kind}, {"seed", meaning.seed}, {"rules-version", kRulesVersion}};
  json["effort"] = effort_json(meaning.effort);
  for (int i = 0; i < kRoles; ++i) {
    const auto role = static_cast<Role>(i);
    Json entry{{"model", meaning.model->identity(role)}};
    entry["sampling"] = Json::parse(sampling_json(meaning.roles[std::size_t(i)].sampling));
    json["roles"][std::string(to_text(role))] = entry;
  }
  for (const std::string_view name : kTemplates)
    json["prompts"][std::string(name)] = meaning.templates->at(name).sha256;
  return json.dump();
}

std::vector<std::string> differences(std::string_view before, std::string_view now) {
  const Json a = Json::parse(before).flatten();
  const Json b = Json::parse(now).flatten();
  const auto name = [](std::string pointer) {
    pointer.erase(0, 1);
    for (char& c : pointer)
      if (c == '/') c = '.';
    return pointer;
  };
  std::vector<std::string> lines;
  for (const auto& [key, value] : a.items()) {
    const auto other = b.find(key);
    if (other == b.end())
      lines.push_back(fmt::format("{}: {} -> (absent)", name(key), value.dump()));
    else if (*other != value)
      lines.push_back(fmt::format("{}: {} -> {}", name(key), value.dump(), other->dump()));
  }
  for (const auto& [key, value] : b.items())
    if (!a.contains(key))
      lines.push_back(fmt::format("{}: (absent) -> {}", name(key), value.dump()));
  return lines;
}

StoredMeaning read_meaning(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    StoredMeaning meaning;
    meaning.kind = json.at("kind");
    meaning.seed = json.at("seed");
    const Json& numbers = json.at("effort");
    for (const EffortNumber& number : effort_numbers())
      number.field(meaning.effort) = numbers.at(std::string(number.name));
    meaning.effort.votes.mean_threshold = numbers.at("mean-threshold");
    meaning.effort.stop_early = numbers.at("stop-early");
    const std::optional<Rule> rule = rule_of(numbers.at("rule").get<std::string>());
    if (!rule) throw std::runtime_error("unknown rule " + numbers.at("rule").dump());
    meaning.effort.rule = *rule;
    for (int i = 0; i < kRoles; ++i)
      meaning.roles[std::size_t(i)] =
          read_role(json.at("roles").at(std::string(to_text(static_cast<Role>(i)))));
    for (const auto& [name, hash] : json.at("prompts").items())
      meaning.template_hashes.emplace_back(name, hash);
    return meaning;
  } catch (const nlohmann::json::exception& error) {
    throw std::runtime_error(std::string("the run's meaning cannot be read: ") + error.what());
  }
}

std::string subject_sha256(std::string_view kind, const std::vector<storage::ProblemRow>& problems,
                           const std::vector<std::string>& proofs) {
  std::string bytes = fmt::format("{}\n", kind);
  for (const storage::ProblemRow& problem : problems)
    bytes += fmt::format("{}:{}{}\n", problem.name.size(), problem.name, problem.sha256);
  for (const std::string& proof : proofs) bytes += text::sha256_hex(proof) + '\n';
  return text::sha256_hex(bytes);
}

}  // namespace pipeline
