// elenchus completion: scripts for shells.
#include "apps/completion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <algorithm>
#include <array>
#include <vector>

#include "apps/command.h"
#include "apps/output.h"
#include "pipeline/effort.h"
#include "pipeline/rules.h"

namespace apps {
namespace {

// What a flag or a place takes behind it.
struct Taken {
  enum class Kind { Nothing, Anything, File, Words };
  Kind kind = Kind::Anything;
  std::vector<std::string> words;
};

struct Flag {
  std::string name;  // with its dashes
  std::string help;  // one line
  Taken taken;
};

// A command with all that can follow it.
struct Node {
  std::string path;  // "runs_export"; empty: the program itself
  std::vector<std::string> names;
  std::string help;
  std::vector<Flag> flags;
  Taken places;  // what stands without a flag
  std::vector<Node> commands;
};

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts{""};
  for (const char c : text)
    if (c == separator)
      parts.emplace_back();
    else
      parts.back() += c;
  return parts;
}

// A type name such as "yes|no" or "jsonl|csv" lists the words themselves; one with a capital
// letter stands for something.
Taken taken_by(const CLI::Option& option, const std::string& name) {
  if (option.get_expected_max() == 0) return {Taken::Kind::Nothing, {}};
  const std::string type = option.get_type_name();
  if (name == "--effort")
    return {Taken::Kind::Words,
            {std::begin(pipeline::kEffortNames), std::end(pipeline::kEffortNames)}};
  if (name == "--rule") {
    Taken taken{Taken::Kind::Words, {}};
    for (const pipeline::Rule rule : pipeline::kRules) taken.words.emplace_back(to_text(rule));
    return taken;
  }
  if (type == "FILE" || type == "DIR") return {Taken::Kind::File, {}};
  const bool words =
      type.find('|') != std::string::npos && std::all_of(type.begin(), type.end(), [](char c) {
        return c == '|' || c == '-' || (c >= 'a' && c <= 'z');
      });
  if (words) return {Taken::Kind::Words, split(type, '|')};
  return {Taken::Kind::Anything, {}};
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

Node node_of(const CLI::App& app, const std::vector<std::string>& names) {
  Node node;
  node.names = names;
  node.path = fmt::format("{}", fmt::join(names, "_"));
  node.help = first_line(app.get_description());
  node.places.kind = Taken::Kind::Nothing;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames())
      node.flags.push_back(
          {"--" + name, first_line(option->get_description()), taken_by(*option, "--" + name)});
    if (option->get_positional() && node.places.kind == Taken::Kind::Nothing)
      node.places = taken_by(*option, "");
  }
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    std::vector<std::string> inner = names;
    inner.push_back(command->get_name());
    node.commands.push_back(node_of(*command, inner));
  }
  return node;
}

std::vector<const Node*> all_of(const Node& root) {
  std::vector<const Node*> nodes{&root};
  for (const Node& command : root.commands) {
    const std::vector<const Node*> below = all_of(command);
    nodes.insert(nodes.end(), below.begin(), below.end());
  }
  return nodes;
}

std::vector<std::string> names_of(const std::vector<Node>& commands) {
  std::vector<std::string> names;
  names.reserve(commands.size());
  for (const Node& command : commands) names.push_back(command.names.back());
  return names;
}

// In single quotes, as bash, zsh and (but for the backslash) fish read them.
std::string in_quotes(const std::string& text) {
  std::string result = "'";
  for (const char c : text)
    if (c == '\'')
      result += "'\\''";
    else
      result += c;
  return result + "'";
}

std::string key_of(const Node& node) { return node.path.empty() ? "." : node.path; }

// The shell walks over the words before the cursor, from command to command; `at` is where it
// stands. Bash and zsh share this loop, so no name in it may be special to either.
std::string walk_lines(const Node& root) {
  std::string lines = "    case \"$at:$word\" in\n";
  for (const Node* node : all_of(root))
    for (const Node& command : node->commands)
      lines +=
          fmt::format("      {}:{}) at={} ;;\n", key_of(*node), command.names.back(), command.path);
  return lines + "    esac\n";
}

std::string bash_candidates(const Taken& taken) {
  if (taken.kind == Taken::Kind::File) return "files=1";
  if (taken.kind == Taken::Kind::Words)
    return fmt::format("offer={}", in_quotes(fmt::format("{}", fmt::join(taken.words, " "))));
  return ":";
}

// `flags` of a node by what they take: patterns of one `case` for all that take the same.
std::string value_cases(const Node& root) {
  std::string lines;
  for (const Node* node : all_of(root))
    for (const Flag& flag : node->flags)
      if (flag.taken.kind != Taken::Kind::Nothing)
        lines += fmt::format("    {}:{}) {}; value=1 ;;\n", key_of(*node), flag.name,
                             bash_candidates(flag.taken));
  return lines;
}

std::string word_cases(const Node& root) {
  std::string lines;
  for (const Node* node : all_of(root)) {
    std::vector<std::string> flags;
    for (const Flag& flag : node->flags) flags.push_back(flag.name);
    std::string places = fmt::format(
        "offer={}", in_quotes(fmt::format("{}", fmt::join(names_of(node->commands), " "))));
    if (node->commands.empty()) places = bash_candidates(node->places);
    lines += fmt::format("      {}) flags={}; {} ;;\n", key_of(*node),
                         in_quotes(fmt::format("{}", fmt::join(flags, " "))), places);
  }
  return lines;
}

std::string bash_script(const Node& root) {
  return fmt::format(R"(# bash completion of elenchus: source this file, or put it into
# ~/.local/share/bash-completion/completions/elenchus
_elenchus() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" previous="" at=. word offer="" flags="" files="" value="" i
  [ "$COMP_CWORD" -gt 0 ] && previous="${{COMP_WORDS[COMP_CWORD-1]}}"
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="${{COMP_WORDS[i]}}"
{0}  done
  case "$at:$previous" in
{1}  esac
  if [ -z "$value" ]; then
    case "$at" in
{2}    esac
    case "$current" in
      -*) offer="$flags"; files="" ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$offer" -- "$current"))
  if [ -n "$files" ]; then
    compopt -o filenames 2>/dev/null
    local IFS=$'\n'
    COMPREPLY+=($(compgen -f -- "$current"))
  fi
}}
complete -F _elenchus elenchus
)",
                     walk_lines(root), value_cases(root), word_cases(root));
}

std::string zsh_script(const Node& root) {
  return fmt::format(R"(#compdef elenchus
# zsh completion of elenchus: put it as _elenchus into a folder of $fpath, or source it
_elenchus() {{
  local at=. word offer="" flags="" files="" value="" i
  for ((i = 2; i < CURRENT; i++)); do
    word="${{words[i]}}"
{0}  done
  local previous="${{words[CURRENT-1]}}" current="${{words[CURRENT]}}"
  case "$at:$previous" in
{1}  esac
  if [[ -z "$value" ]]; then
    case "$at" in
{2}    esac
    [[ "$current" == -* ]] && {{ offer="$flags"; files=""; }}
  fi
  [[ -n "$offer" ]] && compadd -- ${{=offer}}
  [[ -n "$files" ]] && _files
  return 0
}}
if [ "$funcstack[1]" = "_elenchus" ]; then
  _elenchus "$@"
else
  compdef _elenchus elenchus
fi
)",
                     walk_lines(root), value_cases(root), word_cases(root));
}

std::string fish_condition(const Node& node) {
  if (node.names.empty()) return "__fish_use_subcommand";
  std::string condition;
  for (const std::string& name : node.names)
    condition +=
        (condition.empty() ? "" : "; and ") + fmt::format("__fish_seen_subcommand_from {}", name);
  if (!node.commands.empty())
    condition += fmt::format("; and not __fish_seen_subcommand_from {}",
                             fmt::join(names_of(node.commands), " "));
  return condition;
}

std::string fish_script(const Node& root) {
  std::string script =
      "# fish completion of elenchus: put it into ~/.config/fish/completions/elenchus.fish\n"
      "complete -c elenchus -f\n";
  for (const Node* node : all_of(root)) {
    const std::string begin =
        fmt::format("complete -c elenchus -n {}", in_quotes(fish_condition(*node)));
    for (const Node& command : node->commands)
      script +=
          fmt::format("{} -a {} -d {}\n", begin, command.names.back(), in_quotes(command.help));
    if (node->places.kind == Taken::Kind::File) script += begin + " -F\n";
    if (node->places.kind == Taken::Kind::Words)
      script += fmt::format("{} -a {}\n", begin,
                            in_quotes(fmt::format("{}", fmt::join(node->places.words, " "))));
    for (const Flag& flag : node->flags) {
      script += fmt::format("{} -l {} -d {}", begin, flag.name.substr(2), in_quotes(flag.help));
      if (flag.taken.kind == Taken::Kind::File) script += " -r -F";
      if (flag.taken.kind == Taken::Kind::Anything) script += " -x";
      if (flag.taken.kind == Taken::Kind::Words)
        script += fmt::format(" -x -a {}",
                              in_quotes(fmt::format("{}", fmt::join(flag.taken.words, " "))));
      script += '\n';
    }
  }
  return script;
}

}  // namespace

std::string completion_script(const CLI::App& app, Shell shell) {
  const Node root = node_of(app, {});
  switch (shell) {
    case Shell::Bash:
      return bash_script(root);
    case Shell::Zsh:
      return zsh_script(root);
    case Shell::Fish:
      return fish_script(root);
  }
  return "";
}

void add_completion(CLI::App& app, Invocation& invocation) {
  CLI::App& command =
      add_command(app, "completion", "a script that completes command lines in your shell",
                  "source <(elenchus completion bash)");
  auto name = std::make_shared<std::string>();
  command.add_option("shell", *name, "bash, zsh or fish")->type_name("bash|zsh|fish")->required();
  command.callback([&app, &invocation, name] {
    invocation.run = [&app, name] {
      const std::array<std::pair<const char*, Shell>, 3> shells{
          {{"bash", Shell::Bash}, {"zsh", Shell::Zsh}, {"fish", Shell::Fish}}};
      for (const auto& [known, shell] : shells)
        if (*name == known) {
          write_stdout(completion_script(app, shell));
          return ExitCode::Done;
        }
      throw Exit(ExitCode::Usage,
                 fmt::format("there is no completion for '{}'; name bash, zsh or fish", *name));
    };
  });
}

}  // namespace apps
