// elenchus model: what a model directory holds, without and with running it.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/command.h"
#include "apps/output.h"
#include "model/inspect.h"
#include "model/signature.h"

namespace apps {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kSignatureTokens = 256;
constexpr int64_t kSignatureRows = 64;

struct ModelFlags {
  std::string directory;
  bool json = false;
};

std::string gib(int64_t bytes) {
  return bytes < (10 << 20) ? fmt::format("{:.1f} KiB", double(bytes) / (1 << 10))
                            : fmt::format("{:.2f} GiB", double(bytes) / (1 << 30));
}

std::string millions(int64_t count) {
  return count < 1'000'000'000 ? fmt::format("{:.2f} million", double(count) / 1e6)
                               : fmt::format("{:.2f} thousand million", double(count) / 1e9);
}

std::string row(std::string_view name, const std::string& text) {
  return fmt::format("{:<22} {}\n", name, text);
}

std::string text_of(const model::Inspection& found) {
  std::string text;
  for (const auto& line : found.architecture) text += row(line.name, line.text);
  text += row("parameters", fmt::format("{}, {} active for a token", millions(found.parameters),
                                        millions(found.active_parameters)));
  text += row("stored", fmt::format("{} tensors, {}", found.tensors, gib(found.bytes)));
  for (const auto& stored : found.stored)
    text += row("", fmt::format("{:<8} {:>6} tensors {:>12}", stored.type, stored.tensors,
                                gib(stored.bytes)));
  for (const auto& need : found.needs)
    text +=
        row("memory", fmt::format("--weights {:<6} {} in the files, {} converted, {} to work in",
                                  to_text(need.format), gib(need.memory.mapped_bytes),
                                  gib(need.memory.converted_bytes), gib(need.memory.work_bytes)));
  text += row("cache", fmt::format("{} bytes a token, {} with --latents fp8",
                                   found.needs.front().memory.cache_bytes_per_token,
                                   found.float8_cache_bytes_per_token));
  if (found.mtp_tensors > 0)
    text += row("left out",
                fmt::format("{} tensors of layers that predict further tokens", found.mtp_tensors));
  text += row("prompts", found.config.prompt_family);
  text += row("identity", found.identity);
  for (const std::string& name : found.unknown) text += row("unknown", name);
  if (found.unknown_more > 0) text += row("unknown", fmt::format("{} more", found.unknown_more));
  if (found.tokenizer == model::Inspection::File::Missing)
    text += row("missing", "tokenizer.json: the model can be read, not spoken to");
  for (const std::string& fault : found.faults) text += row("fault", fault);
  return text;
}

Json to_json(const model::Inspection& found) {
  Json json;
  for (const auto& line : found.architecture) json["architecture"][line.name] = line.text;
  json["parameters"] = found.parameters;
  json["active_parameters"] = found.active_parameters;
  json["tensors"] = found.tensors;
  json["bytes"] = found.bytes;
  for (const auto& stored : found.stored) {
    json["stored"][stored.type]["tensors"] = stored.tensors;
    json["stored"][stored.type]["bytes"] = stored.bytes;
  }
  for (const auto& need : found.needs) {
    Json& memory = json["memory"][std::string(to_text(need.format))];
    memory["mapped_bytes"] = need.memory.mapped_bytes;
    memory["converted_bytes"] = need.memory.converted_bytes;
    memory["work_bytes"] = need.memory.work_bytes;
  }
  json["cache_bytes_per_token"] = found.needs.front().memory.cache_bytes_per_token;
  json["cache_bytes_per_token_fp8"] = found.float8_cache_bytes_per_token;
  json["mtp_tensors"] = found.mtp_tensors;
  json["prompts"] = found.config.prompt_family;
  json["identity"] = found.identity;
  json["unknown"] = found.unknown;
  json["unknown_more"] = found.unknown_more;
  json["tokenizer"] = found.tokenizer == model::Inspection::File::There;
  json["faults"] = found.faults;
  return json;
}

ExitCode inspect(const ModelFlags& flags) {
  const model::Inspection found = model::inspect(flags.directory, {});
  write_stdout(flags.json ? to_json(found).dump() + '\n' : text_of(found));
  return found.faults.empty() ? ExitCode::Done : ExitCode::Usage;
}

ExitCode signature(const ModelFlags& flags) {
  const model::Config config = model::read_config(flags.directory);
  const model::Weights weights = model::load_weights(
      config, model::Checkpoint::open(flags.directory), model::WeightFormat::AsIs);
  const int64_t tokens = std::min(kSignatureTokens, config.positions);
  Json json;
  for (const Instructions level : {Instructions::Plain, Instructions::Avx2, Instructions::Avx512}) {
    if (level > best_instructions()) break;
    HostKernels kernels(level, 1);
    model::Network network(weights, kernels, {.rows_max = kSignatureRows, .context_max = tokens});
    json[std::string(to_text(level))] = model::logits_signature(network, tokens);
  }
  if (flags.json) {
    write_stdout(json.dump() + '\n');
    return ExitCode::Done;
  }
  for (const auto& [level, hash] : json.items()) write_stdout(row(level, hash.get<std::string>()));
  return ExitCode::Done;
}

// Whatever the room `model` refuses is the directory's fault.
ExitCode run(ExitCode (*command)(const ModelFlags&), const ModelFlags& flags) {
  try {
    return command(flags);
  } catch (const model::Refused& error) {
    throw Exit(ExitCode::Usage, error.what());
  }
}

void add_leaf(CLI::App& parent, Invocation& invocation, ExitCode (*command)(const ModelFlags&),
              const std::string& name, const std::string& description) {
  auto flags = std::make_shared<ModelFlags>();
  CLI::App& leaf = add_command(parent, name, description, "elenchus model " + name + " model/tiny");
  leaf.add_option("directory", flags->directory, "the model's directory")
      ->required()
      ->type_name("DIR");
  leaf.add_flag("--json", flags->json, "one JSON document on stdout");
  leaf.callback([flags, command, &invocation] {
    invocation.run = [flags, command] { return run(command, *flags); };
  });
}

}  // namespace

void add_model(CLI::App& app, Invocation& invocation) {
  CLI::App& command =
      add_command(app, "model", "look at a model directory", "elenchus model inspect model/tiny");
  command.require_subcommand(1);
  add_leaf(command, invocation, inspect, "inspect",
           "architecture, parameters, memory, and what is missing or wrong");
  add_leaf(command, invocation, signature, "signature",
           "a hash of the logits, for each level of instructions");
}

}  // namespace apps
