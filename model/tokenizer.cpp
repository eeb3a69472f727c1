#include "model/tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <unordered_map>
#include <unordered_set>

#include "model/files.h"
#include "model/tokenizer_added.h"
#include "model/tokenizer_bytes.h"
#include "model/tokenizer_file.h"
#include "model/tokenizer_merge.h"
#include "model/tokenizer_split.h"
#include "text/utf8.h"

namespace model {
namespace {

struct Hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>{}(text);
  }
};
using Ids = std::unordered_map<std::string, int32_t, Hash, std::equal_to<>>;

template <typename... Arguments>
[[noreturn]] void refuse(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  throw Refused("tokenizer.json: " + fmt::format(format, std::forward<Arguments>(arguments)...));
}

// Which tokens there are: their ids by name, their bytes by id.
struct Vocabulary {
  Ids by_symbols;  // the file's spelling of BPE's tokens
  Ids by_text;     // added tokens
  Ids whole;       // by bytes; only if words are looked up whole
  std::vector<bool> special;
  std::string bytes;               // of all tokens in the order of ids
  std::vector<std::size_t> begin;  // [size + 1]

  explicit Vocabulary(const TokenizerFile& file);
  std::array<int32_t, 256> single_bytes() const;
  int64_t size() const { return int64_t(special.size()); }

 private:
  void check_added(const TokenizerFile& file, std::vector<bool>& taken);
  void gather_bytes(const TokenizerFile& file);
};

Vocabulary::Vocabulary(const TokenizerFile& file) {
  int32_t largest = -1;
  for (const auto& entry : file.vocabulary) largest = std::max(largest, entry.id);
  for (const auto& token : file.added) largest = std::max(largest, token.id);
  special.resize(std::size_t(largest) + 1, false);

  std::vector<bool> taken(special.size(), false);
  by_symbols.reserve(file.vocabulary.size());
  for (const auto& [symbols, id] : file.vocabulary) {
    if (taken[std::size_t(id)])
      refuse("two tokens have the id {}, one of them {}", id, in_quotes(symbols));
    taken[std::size_t(id)] = true;
    by_symbols.emplace(symbols, id);
  }
  check_added(file, taken);
  gather_bytes(file);
  if (!file.whole_words) return;
  for (const auto& [symbols, id] : by_symbols)
    if (const auto word = bytes_of_symbols(symbols); word && !by_text.contains(symbols))
      whole.emplace(*word, id);
}

// An added token either names one of the vocabulary or has an id of its own.
void Vocabulary::check_added(const TokenizerFile& file, std::vector<bool>& taken) {
  for (const TokenizerFile::Added& token : file.added) {
    const auto known = by_symbols.find(token.text);
    if (known != by_symbols.end() && known->second != token.id)
      refuse("the added token {} has the id {}, but {} in the vocabulary", in_quotes(token.text),
             token.id, known->second);
    if (known == by_symbols.end() && taken[std::size_t(token.id)])
      refuse("the id {} of the added token {} is another token's", token.id, in_quotes(token.text));
    if (!by_text.emplace(token.text, token.id).second)
      refuse("the added token {} occurs twice", in_quotes(token.text));
    taken[std::size_t(token.id)] = true;
    special[std::size_t(token.id)] = token.special;
  }
}

void Vocabulary::gather_bytes(const TokenizerFile& file) {
  std::vector<std::string> by_id(special.size());
  for (const auto& [symbols, id] : file.vocabulary)
    by_id[std::size_t(id)] = bytes_of_symbols(symbols).value_or(symbols);
  for (const auto& token : file.added) by_id[std::size_t(token.id)] = token.text;
  begin.reserve(by_id.size() + 1);
  begin.push_back(0);
  for (const std::string& token : by_id) {
    bytes += token;
    begin.push_back(bytes.size());
  }
}

std::array<int32_t, 256> Vocabulary::single_bytes() const {
  std::array<int32_t, 256> ids = {};
  for (std::size_t byte = 0; byte < ids.size(); ++byte) {
    const std::string symbol = symbols_of_bytes(std::string(1, char(byte)));
    const auto found = by_symbols.find(symbol);
    if (found == by_symbols.end())
      refuse("the byte {:#04x} has no token ({}), and text with it would be lost", byte, symbol);
    if (special[std::size_t(found->second)])
      refuse("the special token {} is the byte {:#04x} of plain text", in_quotes(symbol), byte);
    ids[byte] = found->second;
  }
  return ids;
}

Merger make_merger(const TokenizerFile& file, const Vocabulary& vocabulary) {
  const auto id = [&](const std::string& symbols) {
    const auto found = vocabulary.by_symbols.find(symbols);
    if (found == vocabulary.by_symbols.end())
      refuse("a merge has {}, which is not in the vocabulary", in_quotes(symbols));
    return found->second;
  };
  std::vector<Merger::Merge> merges;
  merges.reserve(file.merges.size());
  for (const auto& [left, right] : file.merges) {
    const int32_t result = id(left + right);
    if (vocabulary.special[std::size_t(result)])
      refuse("merges make the special token {} of plain text", in_quotes(left + right));
    merges.push_back({id(left), id(right), result});
  }
  return Merger(vocabulary.single_bytes(), merges, vocabulary.size());
}

// Pieces as one text of UTF-8, and where in it added tokens may be looked for.
struct Joined {
  struct Span {
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  std::string text;
  std::vector<Span> trusted;
};

Joined join(const std::vector<Piece>& pieces) {
  std::size_t bytes = 0;
  for (const Piece& piece : pieces) bytes += piece.text.size();
  if (bytes > Tokenizer::kTextBytesMax)
    throw std::length_error(fmt::format("a text of {} bytes is to be encoded, and {} are allowed",
                                        bytes, Tokenizer::kTextBytesMax));
  Joined joined;
  for (const Piece& piece : pieces) {
    const std::size_t begin = joined.text.size();
    joined.text += text::repair_utf8(piece.text);
    if (piece.trust != Trust::Trusted || joined.text.size() == begin) continue;
    if (!joined.trusted.empty() && joined.trusted.back().end == begin)
      joined.trusted.back().end = joined.text.size();
    else
      joined.trusted.push_back({begin, joined.text.size()});
  }
  // U+FFFD takes three bytes, which may stand for one.
  if (joined.text.size() > Tokenizer::kTextBytesMax)
    throw std::length_error(fmt::format("a text has {} bytes in UTF-8, and {} are allowed",
                                        joined.text.size(), Tokenizer::kTextBytesMax));
  return joined;
}

}  // namespace

class Tokenizer::Impl {
 public:
  explicit Impl(TokenizerFile file)
      : vocabulary(file),
        merger(make_merger(file, vocabulary)),
        splitter(file),
        added(std::move(file.added)) {}

  Tokens encode(const Joined& joined) const;

  Vocabulary vocabulary;
  Merger merger;
  PreTokenizer splitter;
  AddedTokens added;
};

Tokens Tokenizer::Impl::encode(const Joined& joined) const {
  Tokens tokens;
  Regex::Work search(joined.text.size());
  Merger::Work merging;
  const PreTokenizer::Sink take_word = [&](std::string_view word) {
    const auto whole = vocabulary.whole.find(word);
    if (whole != vocabulary.whole.end())
      tokens.push_back(whole->second);
    else
      merger.encode(word, merging, tokens);
  };
  const std::string_view text = joined.text;
  std::size_t at = 0;
  for (const Joined::Span& span : joined.trusted) {
    for (const auto& match : added.find(text.substr(span.begin, span.end - span.begin), search)) {
      const std::size_t begin = span.begin + match.begin;
      if (at < begin) splitter.split(text.substr(at, begin - at), search, take_word);
      tokens.push_back(match.id);
      at = span.begin + match.end;
    }
  }
  splitter.split(text.substr(at), search, take_word);
  return tokens;
}

Tokenizer::Tokenizer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Tokenizer Tokenizer::parse(std::string_view json) {
  return Tokenizer(std::make_unique<Impl>(read_tokenizer_file(json)));
}

Tokenizer Tokenizer::load(const std::filesystem::path& directory) {
  const std::filesystem::path path = directory / "tokenizer.json";
  std::error_code error;
  if (!std::filesystem::exists(path, error) &&
      std::filesystem::exists(directory / "tiktoken.model", error))
    throw Refused(directory.string() + " has tiktoken.model, which is not supported, and no " +
                  "tokenizer.json");
  return parse(read_whole_file(path, kFileBytesMax));
}

Tokens Tokenizer::encode(std::string_view text, Trust trust) const {
  return encode({Piece{std::string(text), trust}});
}

Tokens Tokenizer::encode(const std::vector<Piece>& pieces) const {
  return impl_->encode(join(pieces));
}

std::string Tokenizer::decode(const Tokens& tokens) const {
  std::string decoded;
  for (const int32_t token : tokens) decoded += bytes(token);
  return decoded;
}

std::string_view Tokenizer::bytes(int32_t token) const {
  if (token < 0 || token >= size()) return {};
  const auto& begin = impl_->vocabulary.begin;
  const auto at = std::size_t(token);
  return std::string_view(impl_->vocabulary.bytes).substr(begin[at], begin[at + 1] - begin[at]);
}

std::optional<int32_t> Tokenizer::find(std::string_view token_text) const {
  for (const Ids* ids : {&impl_->vocabulary.by_text, &impl_->vocabulary.by_symbols})
    if (const auto found = ids->find(token_text); found != ids->end()) return found->second;
  return std::nullopt;
}

bool Tokenizer::is_control(int32_t token) const {
  return token >= 0 && token < size() && impl_->vocabulary.special[std::size_t(token)];
}

int64_t Tokenizer::size() const { return impl_->vocabulary.size(); }

namespace {

// How many bytes at the end of `bytes` begin a character that is not whole.
std::size_t unfinished(std::string_view bytes) {
  for (std::size_t length = std::min<std::size_t>(3, bytes.size()); length > 0; --length) {
    const std::string_view end = bytes.substr(bytes.size() - length);
    // One invalid piece over all of it, and room for more: the first byte's length says so.
    const auto first = static_cast<unsigned char>(end[0]);
    const std::size_t whole = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 0;
    if (length < whole && text::repair_utf8(end).size() == 3) return length;
  }
  return 0;
}

}  // namespace

std::string TextStream::add(int32_t token) {
  held_ += tokenizer_->bytes(token);
  const std::size_t keep = unfinished(held_);
  std::string ready = text::repair_utf8(std::string_view(held_).substr(0, held_.size() - keep));
  held_.erase(0, held_.size() - keep);
  return ready;
}

std::string TextStream::finish() {
  std::string rest = text::repair_utf8(held_);
  held_.clear();
  return rest;
}

}  // namespace model
