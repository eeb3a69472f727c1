// elenchus tokenize: what a model's tokenizer makes of a text.
#include <fmt/format.h>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "apps/command.h"
#include "apps/output.h"
#include "model/tokenizer.h"
#include "text/utf8.h"

namespace apps {
namespace {

struct TokenizeFlags {
  std::string directory;
  std::string file;
  bool control = false;
  bool json = false;
};

std::string read_text(const std::string& file) {
  if (file.empty() || file == "-")
    return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw Exit(ExitCode::Usage, fmt::format("{}: the file cannot be opened", file));
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

ExitCode tokenize(const TokenizeFlags& flags) {
  try {
    const auto tokenizer = model::Tokenizer::load(flags.directory);
    const model::Tokens tokens = tokenizer.encode(
        read_text(flags.file), flags.control ? model::Trust::Trusted : model::Trust::Untrusted);
    if (flags.json) {
      nlohmann::ordered_json json;
      json["tokens"] = tokens;
      write_stdout(json.dump() + "\n");
      return ExitCode::Done;
    }
    std::string lines;
    for (const int32_t token : tokens)
      lines += fmt::format("{:>8}  {}\n", token,
                           nlohmann::json(text::repair_utf8(tokenizer.bytes(token))).dump());
    write_stdout(lines);
    fmt::print(stderr, "{} tokens\n", tokens.size());
    return ExitCode::Done;
  } catch (const model::Refused& error) {
    throw Exit(ExitCode::Usage, error.what());
  } catch (const std::length_error& error) {
    throw Exit(ExitCode::Usage, error.what());
  }
}

}  // namespace

void add_tokenize(CLI::App& app, Invocation& invocation) {
  auto flags = std::make_shared<TokenizeFlags>();
  CLI::App& command = add_command(app, "tokenize", "show the tokens of a text",
                                  "echo 'Let $n$ be even.' | elenchus tokenize models/tiny");
  command.add_option("directory", flags->directory, "the model's directory")
      ->required()
      ->type_name("DIR");
  command.add_option("file", flags->file, "the text; else it is read from stdin")
      ->type_name("FILE");
  command.add_flag("--control", flags->control,
                   "let control tokens be made, as in our own templates; else they are plain text");
  command.add_flag("--json", flags->json, "one JSON document on stdout");
  command.callback([flags, &invocation] { invocation.run = [flags] { return tokenize(*flags); }; });
}

}  // namespace apps
