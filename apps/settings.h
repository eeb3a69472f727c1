#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace apps {

// Everything that can be set, under one name each: as a flag, as an environment variable and as a
// key of a configuration file. Flag > environment > ./elenchus.toml > the user's config.toml >
// built in. No layer is special: each says for some names what their values are.

struct Setting {
  std::string name;     // "votes": --votes, ELENCHUS_VOTES, votes = 8
  std::string metavar;  // what stands for the value in a help text
  std::string help;
  std::string fallback;  // built in; empty: unset
  std::string group;     // heading in a help text
};

// The settings that a flag can give, in the order of the help text.
std::span<const Setting> common_settings();
// The settings of one role, under the names "verifier.model", ...: in [role.verifier] of a file and
// in --role verifier=model=...,temperature=...
std::span<const Setting> role_settings();

struct Value {
  std::vector<std::string> words;  // most settings take one
  std::string origin;              // "--votes", "ELENCHUS_VOTES", "elenchus.toml:3", "built in"
};

class Settings {
 public:
  // Starts with what is built in.
  Settings();

  // A later call wins. Throws Exit(Usage) for a name that is not known, with the nearest one.
  void set(const std::string& name, Value value);

  const Value& at(const std::string& name) const;  // REQUIRES: a known name
  bool is_set(const std::string& name) const;      // to something that is not empty
  const std::map<std::string, Value>& all() const { return values_; }

  // The single word, or the number, that a setting has. Throw Exit(Usage) naming the origin.
  std::string word(const std::string& name) const;
  int64_t integer(const std::string& name, int64_t low, int64_t high) const;
  double real(const std::string& name, double low, double high) const;
  bool boolean(const std::string& name) const;
  int64_t milliseconds(const std::string& name) const;  // "90s", "5m", "2h", "500ms"; seconds alone

 private:
  std::map<std::string, Value> values_;
};

// A number with a suffix, as vLLM reads it: 1k = 1000, 1K = 1024, 2.5m, 1M, 3g, 1G.
std::optional<int64_t> read_count(std::string_view text);

using Environment = std::function<std::optional<std::string>(const std::string&)>;

// ELENCHUS_NAME for every setting; OPENAI_BASE_URL for base-url.
void add_environment(Settings& settings, const Environment& environment);

// A TOML file: top-level keys, and tables [role.generator], [role.verifier], [role.meta_verifier].
// Throws Exit(Usage) with file, line and the nearest known key.
void add_file(Settings& settings, const std::filesystem::path& file);

// "verifier=MODEL" or "verifier=key=value,key=value".
void add_role(Settings& settings, const std::string& text);

// Where the user's configuration, and where the default ledger stand, by the XDG rules.
std::filesystem::path user_config(const Environment& environment);
std::filesystem::path default_ledger(const Environment& environment);

}  // namespace apps
