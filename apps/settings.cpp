#include "apps/settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <sstream>

#include "apps/exit.h"
#include "pipeline/chat.h"
#include "text/words.h"

#define TOML_EXCEPTIONS 1
#include <toml++/toml.h>

namespace apps {
namespace {

constexpr std::size_t kConfigBytesMax = 1 << 20;

std::vector<std::string> role_names() {
  std::vector<std::string> names;
  for (int role = 0; role < pipeline::kRoles; ++role)
    names.emplace_back(to_text(static_cast<pipeline::Role>(role)));
  return names;
}

[[noreturn]] void refuse_unknown(const std::string& name, const std::string& origin,
                                 const std::vector<std::string>& known) {
  std::string sentence = fmt::format("{}: there is no setting '{}'", origin, name);
  if (const auto near = text::nearest(name, known))
    sentence += fmt::format("; did you mean '{}'?", *near);
  else
    sentence += "; `elenchus solve --help` lists them all";
  throw Exit(ExitCode::Usage, sentence);
}

[[noreturn]] void refuse_value(const std::string& name, const Value& value,
                               const std::string& wanted) {
  throw Exit(ExitCode::Usage, fmt::format("{}: {} is '{}', but must be {}", value.origin, name,
                                          fmt::join(value.words, ", "), wanted));
}

std::string variable_of(const std::string& name) {
  std::string variable = "ELENCHUS_";
  for (const char c : name)
    variable += c == '-' || c == '.' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  return variable;
}

std::vector<std::string> words_of(const toml::node& node, const std::string& name,
                                  const std::string& origin) {
  if (const auto* array = node.as_array()) {
    std::vector<std::string> words;
    for (const toml::node& element : *array)
      for (std::string& word : words_of(element, name, origin)) words.push_back(std::move(word));
    return words;
  }
  if (const auto text = node.value_exact<std::string>()) return {*text};
  if (const auto number = node.value_exact<int64_t>()) return {std::to_string(*number)};
  if (const auto real = node.value_exact<double>()) return {fmt::format("{}", *real)};
  if (const auto flag = node.value_exact<bool>()) return {*flag ? "yes" : "no"};
  throw Exit(ExitCode::Usage,
             fmt::format("{}: {} is neither a text nor a number, truth value or list of them",
                         origin, name));
}

void add_table(Settings& settings, const toml::table& table, const std::string& prefix,
               const std::string& file) {
  for (const auto& [key, node] : table) {
    const std::string name = prefix + std::string(key.str());
    const std::string origin = fmt::format("{}:{}", file, node.source().begin.line);
    if (const auto* inner = node.as_table()) {
      const std::string path = name + '.';
      const bool known = path == "role." || path.starts_with("role.");
      if (!known) refuse_unknown(name, origin, {"role"});
      if (path == "role.") {
        add_table(settings, *inner, path, file);
        continue;
      }
      const std::string role = name.substr(5);
      const std::vector<std::string> roles = role_names();
      if (std::find(roles.begin(), roles.end(), role) == roles.end())
        refuse_unknown(role, origin, roles);
      add_table(settings, *inner, role + '.', file);
      continue;
    }
    Value value{words_of(node, name, origin), origin};
    settings.set(name, std::move(value));
  }
}

}  // namespace

Settings::Settings() {
  for (const Setting& setting : common_settings())
    values_[setting.name] = {setting.fallback.empty() ? std::vector<std::string>{}
                                                      : std::vector<std::string>{setting.fallback},
                             "built in"};
  for (const std::string& role : role_names())
    for (const Setting& setting : role_settings())
      values_[role + '.' + setting.name] = {{}, "built in"};
}

void Settings::set(const std::string& name, Value value) {
  const auto found = values_.find(name);
  if (found == values_.end()) {
    std::vector<std::string> known;
    for (const auto& [key, unused] : values_) known.push_back(key);
    refuse_unknown(name, value.origin, known);
  }
  found->second = std::move(value);
}

const Value& Settings::at(const std::string& name) const { return values_.at(name); }

bool Settings::is_set(const std::string& name) const {
  const Value& value = at(name);
  return !value.words.empty() && !value.words.front().empty();
}

std::string Settings::word(const std::string& name) const {
  const Value& value = at(name);
  if (value.words.size() > 1) refuse_value(name, value, "given once");
  return value.words.empty() ? "" : value.words.front();
}

int64_t Settings::integer(const std::string& name, int64_t low, int64_t high) const {
  const std::optional<int64_t> number = read_count(word(name));
  if (!number || *number < low || *number > high)
    refuse_value(name, at(name), fmt::format("a whole number from {} to {}", low, high));
  return *number;
}

double Settings::real(const std::string& name, double low, double high) const {
  const std::string text = word(name);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !(number >= low) ||
      !(number <= high))
    refuse_value(name, at(name), fmt::format("a number from {} to {}", low, high));
  return number;
}

bool Settings::boolean(const std::string& name) const {
  const std::string text = text::lower_ascii(word(name));
  if (text == "yes" || text == "true" || text == "on" || text == "1") return true;
  if (text == "no" || text == "false" || text == "off" || text == "0") return false;
  refuse_value(name, at(name), "yes or no");
}

int64_t Settings::milliseconds(const std::string& name) const {
  const std::string text = word(name);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, std::size_t(text.data() + text.size() - end));
  double factor = 0;
  if (unit == "ms") factor = 1;
  if (unit == "s" || unit.empty()) factor = 1e3;
  if (unit == "m") factor = 60e3;
  if (unit == "h") factor = 3600e3;
  if (unit == "d") factor = 86400e3;
  const double most = 366 * 86400e3;
  if (error != std::errc() || factor == 0 || !(number > 0) || number * factor > most)
    refuse_value(name, at(name), "a time such as 90s, 5m, 2h or 500ms");
  return static_cast<int64_t>(number * factor);
}

std::optional<int64_t> read_count(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || !std::isfinite(number)) return std::nullopt;
  const std::string_view suffix = text.substr(std::size_t(end - text.data()));
  static constexpr std::pair<std::string_view, double> factors[] = {{"", 1},
                                                                    {"k", 1e3},
                                                                    {"K", 1024},
                                                                    {"m", 1e6},
                                                                    {"M", 1024.0 * 1024},
                                                                    {"g", 1e9},
                                                                    {"G", 1024.0 * 1024 * 1024}};
  for (const auto& [name, factor] : factors) {
    if (suffix != name) continue;
    const double product = number * factor;
    if (product != std::floor(product) || std::abs(product) > 9e15) return std::nullopt;
    return static_cast<int64_t>(product);
  }
  return std::nullopt;
}

void add_environment(Settings& settings, const Environment& environment) {
  if (const auto url = environment("OPENAI_BASE_URL"); url && !url->empty())
    settings.set("base-url", {{*url}, "OPENAI_BASE_URL"});
  std::vector<std::string> names;
  for (const auto& [name, value] : settings.all()) names.push_back(name);
  for (const std::string& name : names) {
    const std::string variable = variable_of(name);
    if (const auto value = environment(variable); value && !value->empty())
      settings.set(name, {{*value}, variable});
  }
}

void add_file(Settings& settings, const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream)
    throw Exit(ExitCode::Usage,
               fmt::format("{}: the configuration file cannot be read", file.string()));
  std::ostringstream bytes;
  bytes << stream.rdbuf();
  const std::string content = bytes.str();
  if (content.size() > kConfigBytesMax)
    throw Exit(ExitCode::Usage, fmt::format("{}: a configuration file has at most {} bytes",
                                            file.string(), kConfigBytesMax));
  try {
    const toml::table table = toml::parse(content, file.string());
    add_table(settings, table, "", file.filename().string());
  } catch (const toml::parse_error& error) {
    throw Exit(ExitCode::Usage,
               fmt::format("{}:{}:{}: {}", file.string(), error.source().begin.line,
                           error.source().begin.column, std::string(error.description())));
  }
}

void add_role(Settings& settings, const std::string& text) {
  const std::size_t equals = text.find('=');
  const std::string role = text.substr(0, equals);
  const std::vector<std::string> roles = role_names();
  const std::string origin = "--role " + text;
  if (std::find(roles.begin(), roles.end(), role) == roles.end())
    refuse_unknown(role, origin, roles);
  if (equals == std::string::npos)
    throw Exit(ExitCode::Usage, origin +
                                    ": say what for, as in --role verifier=MODEL or "
                                    "--role verifier=base-url=URL,temperature=0.6");
  std::string_view rest = std::string_view(text).substr(equals + 1);
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    const std::string entry(rest.substr(0, comma));
    const std::size_t sign = entry.find('=');
    if (sign == std::string::npos)
      settings.set(role + ".model", {{entry}, origin});
    else
      settings.set(role + '.' + entry.substr(0, sign), {{entry.substr(sign + 1)}, origin});
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
  }
}

std::filesystem::path user_config(const Environment& environment) {
  if (const auto config = environment("XDG_CONFIG_HOME"); config && !config->empty())
    return std::filesystem::path(*config) / "elenchus" / "config.toml";
  return std::filesystem::path(environment("HOME").value_or("/")) / ".config" / "elenchus" /
         "config.toml";
}

std::filesystem::path default_ledger(const Environment& environment) {
  if (const auto state = environment("XDG_STATE_HOME"); state && !state->empty())
    return std::filesystem::path(*state) / "elenchus" / "ledger.sqlite";
  return std::filesystem::path(environment("HOME").value_or("/")) / ".local" / "state" /
         "elenchus" / "ledger.sqlite";
}

}  // namespace apps
