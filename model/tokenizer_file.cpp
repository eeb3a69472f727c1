#include "model/tokenizer_file.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <unordered_set>

#include "model/config.h"
#include "model/files.h"
#include "model/tokenizer.h"

namespace model {
namespace {

using Json = nlohmann::json;
using Stage = TokenizerFile::Stage;

// GPT-2's, which ByteLevel carries inside.
constexpr std::string_view kByteLevelPattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

template <typename... Arguments>
[[noreturn]] void refuse(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  throw Refused("tokenizer.json: " + fmt::format(format, std::forward<Arguments>(arguments)...));
}

// Walks over the text before anything is built from it, so that neither depth nor number of values
// can fill the memory, and a name that occurs twice is not one that silently wins.
class Checker : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return count(); }
  bool boolean(bool) override { return count(); }
  bool number_integer(number_integer_t) override { return count(); }
  bool number_unsigned(number_unsigned_t) override { return count(); }
  bool number_float(number_float_t, const string_t&) override { return count(); }
  bool string(string_t&) override { return count(); }
  bool binary(binary_t&) override { return count(); }
  bool start_object(std::size_t) override { return open(); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    if (!names_.back().insert(name).second) refuse("the name {} occurs twice", in_quotes(name));
    return count();
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    refuse("it is not JSON at byte {}", position);
  }

 private:
  bool count() {
    if (++values_ > TokenizerFile::kValuesMax)
      refuse("it has more than {} values", TokenizerFile::kValuesMax);
    return true;
  }
  bool open() {
    names_.emplace_back();
    if (names_.size() > TokenizerFile::kDepthMax)
      refuse("it is nested more than {} deep", TokenizerFile::kDepthMax);
    return count();
  }
  bool close() {
    names_.pop_back();
    return true;
  }

  std::vector<std::unordered_set<std::string>> names_;
  std::size_t values_ = 0;
};

const Json& member(const Json& object, const char* name, const char* where) {
  if (!object.is_object()) refuse("{} is no object", where);
  const auto found = object.find(name);
  if (found == object.end()) refuse("{} has no {}", where, name);
  return *found;
}

const std::string& text_of(const Json& value, const char* what) {
  if (!value.is_string()) refuse("{} is no text", what);
  return value.get_ref<const std::string&>();
}

// What a member that is not there means: the defaults of `tokenizers`.
bool flag(const Json& object, const char* name, const char* where, bool otherwise) {
  if (!object.is_object()) refuse("{} is no object", where);
  const auto found = object.find(name);
  if (found == object.end()) return otherwise;
  if (!found->is_boolean()) refuse("{} of {} is neither true nor false", name, where);
  return found->get<bool>();
}

int32_t id_of(const Json& value, std::string_view token) {
  constexpr auto kLargest = int64_t(Tokenizer::kTokensMax) - 1;
  if (!value.is_number_unsigned()) refuse("the id of {} is no whole number", in_quotes(token));
  if (value.get<uint64_t>() > uint64_t(kLargest))
    refuse("the id of {} is {}, and {} is the largest allowed", in_quotes(token),
           value.get<uint64_t>(), kLargest);
  return value.get<int32_t>();
}

void read_vocabulary(const Json& model, TokenizerFile& file) {
  const Json& vocabulary = member(model, "vocab", "model");
  if (!vocabulary.is_object()) refuse("vocab is no object");
  if (vocabulary.size() > Tokenizer::kTokensMax)
    refuse("vocab has {} tokens, and {} are the most allowed", vocabulary.size(),
           Tokenizer::kTokensMax);
  file.vocabulary.reserve(vocabulary.size());
  for (const auto& [symbols, id] : vocabulary.items())
    file.vocabulary.push_back({symbols, id_of(id, symbols)});
}

// "a b", or since 2024 ["a", "b"].
void read_merges(const Json& model, TokenizerFile& file) {
  const Json& merges = member(model, "merges", "model");
  if (!merges.is_array()) refuse("merges is no array");
  if (merges.size() > TokenizerFile::kMergesMax)
    refuse("there are {} merges, and {} are the most allowed", merges.size(),
           TokenizerFile::kMergesMax);
  file.merges.reserve(merges.size());
  for (const Json& merge : merges) {
    if (merge.is_array()) {
      if (merge.size() != 2 || !merge[0].is_string() || !merge[1].is_string())
        refuse("merge {} is no pair of texts", file.merges.size());
      file.merges.push_back({merge[0].get<std::string>(), merge[1].get<std::string>()});
      continue;
    }
    const std::string& pair = text_of(merge, "a merge");
    if (pair.starts_with("#version")) continue;
    const std::size_t space = pair.find(' ');
    if (space == std::string::npos || pair.find(' ', space + 1) != std::string::npos)
      refuse("the merge {} is no pair", in_quotes(pair));
    file.merges.push_back({pair.substr(0, space), pair.substr(space + 1)});
  }
}

void read_model(const Json& model, TokenizerFile& file) {
  const std::string& type = text_of(member(model, "type", "model"), "the model's type");
  if (type != "BPE") refuse("the model {} is not supported, only BPE is", in_quotes(type));
  if (flag(model, "byte_fallback", "model", false)) refuse("byte_fallback is not supported");
  if (const auto dropout = model.find("dropout"); dropout != model.end() && !dropout->is_null())
    refuse("dropout is not supported");
  for (const char* name : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    const auto found = model.find(name);
    if (found == model.end() || found->is_null()) continue;
    if (!text_of(*found, name).empty()) refuse("{} is not supported", name);
  }
  file.whole_words = flag(model, "ignore_merges", "model", false);
  read_vocabulary(model, file);
  read_merges(model, file);
}

void read_added(const Json& tokens, TokenizerFile& file) {
  if (!tokens.is_array()) refuse("added_tokens is no array");
  if (tokens.size() > Tokenizer::kTokensMax)
    refuse("there are {} added tokens, and {} are the most allowed", tokens.size(),
           Tokenizer::kTokensMax);
  constexpr const char* kWhere = "an added token";
  for (const Json& token : tokens) {
    TokenizerFile::Added added;
    added.text = text_of(member(token, "content", kWhere), "the content of an added token");
    if (added.text.empty() || added.text.size() > TokenizerFile::kAddedBytesMax)
      refuse("the added token {} has {} bytes, not 1 to {}", in_quotes(added.text),
             added.text.size(), TokenizerFile::kAddedBytesMax);
    added.id = id_of(member(token, "id", kWhere), added.text);
    added.special = flag(token, "special", kWhere, false);
    added.single_word = flag(token, "single_word", kWhere, false);
    added.left_strip = flag(token, "lstrip", kWhere, false);
    added.right_strip = flag(token, "rstrip", kWhere, false);
    added.normalized = flag(token, "normalized", kWhere, true);
    file.added.push_back(std::move(added));
  }
}

void check_normalizer(const Json& normalizer) {
  if (normalizer.is_null()) return;
  const std::string& type =
      text_of(member(normalizer, "type", "normalizer"), "the normalizer's type");
  if (type != "Sequence") refuse("the normalizer {} is not supported", in_quotes(type));
  const Json& parts = member(normalizer, "normalizers", "normalizer");
  if (!parts.is_array()) refuse("normalizers is no array");
  for (const Json& part : parts) check_normalizer(part);
}

Stage::Behaviour behaviour_of(const std::string& name) {
  if (name == "Removed") return Stage::Behaviour::Removed;
  if (name == "Isolated") return Stage::Behaviour::Isolated;
  if (name == "MergedWithPrevious") return Stage::Behaviour::MergedWithPrevious;
  if (name == "MergedWithNext") return Stage::Behaviour::MergedWithNext;
  if (name == "Contiguous") return Stage::Behaviour::Contiguous;
  refuse("the behavior {} of a Split is not known", in_quotes(name));
}

Stage read_split(const Json& split) {
  const Json& pattern = member(split, "pattern", "a Split");
  if (!pattern.is_object() || pattern.size() != 1) refuse("the pattern of a Split is not one");
  Stage stage;
  const std::string kind = pattern.begin().key();
  if (kind != "Regex" && kind != "String")
    refuse("the pattern of a Split is a {}, neither a Regex nor a String", in_quotes(kind));
  if (kind == "String") stage.kind = Stage::Pattern::Literal;
  stage.pattern = text_of(pattern.front(), "the pattern of a Split");
  if (stage.pattern.size() > TokenizerFile::kPatternBytesMax)
    refuse("the pattern of a Split has {} bytes, and {} are the most allowed", stage.pattern.size(),
           TokenizerFile::kPatternBytesMax);
  stage.behaviour =
      behaviour_of(text_of(member(split, "behavior", "a Split"), "the behavior of a Split"));
  stage.inverted = flag(split, "invert", "a Split", false);
  return stage;
}

// Reads into `file`; says whether the bytes were turned into symbols by it.
class PreTokenizerReader {
 public:
  explicit PreTokenizerReader(TokenizerFile& file) : file_(file) {}

  // As deep as the JSON.
  void read(const Json& part) {
    const std::string& type =
        text_of(member(part, "type", "pre_tokenizer"), "the pre-tokenizer's type");
    if (type == "Sequence") {
      const Json& parts = member(part, "pretokenizers", "pre_tokenizer");
      if (!parts.is_array()) refuse("pretokenizers is no array");
      for (const Json& one : parts) read(one);
      return;
    }
    if (byte_level_) refuse("the pre-tokenizer {} comes after ByteLevel", in_quotes(type));
    if (type == "Split") {
      add(read_split(part));
    } else if (type == "Digits") {
      const bool single = flag(part, "individual_digits", "Digits", false);
      add({R"(\p{N})", Stage::Pattern::Regex,
           single ? Stage::Behaviour::Isolated : Stage::Behaviour::Contiguous, false});
    } else if (type == "ByteLevel") {
      byte_level_ = true;
      file_.prefix_space = flag(part, "add_prefix_space", "ByteLevel", true);
      if (flag(part, "use_regex", "ByteLevel", true))
        file_.after_prefix.push_back({std::string(kByteLevelPattern), Stage::Pattern::Regex,
                                      Stage::Behaviour::Isolated, false});
    } else {
      refuse("the pre-tokenizer {} is not supported", in_quotes(type));
    }
  }

  void finish() const {
    if (!byte_level_) refuse("its pre-tokenizer has no ByteLevel, so it is not byte-level BPE");
  }

 private:
  void add(Stage stage) {
    if (file_.before_prefix.size() == TokenizerFile::kStagesMax)
      refuse("it has more than {} pre-tokenizers", TokenizerFile::kStagesMax);
    file_.before_prefix.push_back(std::move(stage));
  }

  TokenizerFile& file_;
  bool byte_level_ = false;
};

}  // namespace

TokenizerFile read_tokenizer_file(std::string_view json) {
  if (json.size() > Tokenizer::kFileBytesMax)
    refuse("it has {} bytes, and {} are the most allowed", json.size(), Tokenizer::kFileBytesMax);
  Checker checker;
  Json::sax_parse(json.begin(), json.end(), &checker);
  const Json root = Json::parse(json.begin(), json.end());

  TokenizerFile file;
  const Json& model = member(root, "model", "the file");
  const auto version = root.find("version");
  if (version != root.end() && *version != "1.0") refuse("its version is not 1.0");
  read_model(model, file);
  if (const auto added = root.find("added_tokens"); added != root.end()) read_added(*added, file);
  if (const auto normalizer = root.find("normalizer"); normalizer != root.end())
    check_normalizer(*normalizer);
  PreTokenizerReader reader(file);
  reader.read(member(root, "pre_tokenizer", "the file"));
  reader.finish();
  const std::string& decoder =
      text_of(member(member(root, "decoder", "the file"), "type", "decoder"), "the decoder's type");
  if (decoder != "ByteLevel") refuse("the decoder {} is not supported", in_quotes(decoder));
  return file;
}

}  // namespace model
