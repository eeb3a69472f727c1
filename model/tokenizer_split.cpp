#include "model/tokenizer_split.h"

#include <string>

#include "model/files.h"

namespace model {

// Says how the pieces between and in the matches of a stage are put together: the rules of
// `tokenizers`' NormalizedString::split, as the pieces come.
class PreTokenizer::Cuts {
 public:
  using Behaviour = TokenizerFile::Stage::Behaviour;
  using Emit = std::function<void(std::size_t begin, std::size_t end)>;

  Cuts(Behaviour behaviour, const Emit& emit) : behaviour_(behaviour), emit_(emit) {}

  // [begin, end) follows what was added before.
  void add(std::size_t begin, std::size_t end, bool matches) {
    if (begin == end) return;
    if (behaviour_ == Behaviour::Removed && matches) return flush();
    if (!(begin_ < end_ && joins(matches))) {
      flush();
      begin_ = begin;
    }
    end_ = end;
    matches_ = matches;
  }

  void flush() {
    if (begin_ < end_) emit_(begin_, end_);
    begin_ = end_;
  }

 private:
  bool joins(bool matches) const {
    switch (behaviour_) {
      case Behaviour::Contiguous:
        return matches == matches_;
      case Behaviour::MergedWithPrevious:
        return matches && !matches_;
      case Behaviour::MergedWithNext:
        return !matches && matches_;
      default:
        return false;
    }
  }

  Behaviour behaviour_;
  const Emit& emit_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool matches_ = false;
};

class PreTokenizer::Cutter {
 public:
  Cutter(const PreTokenizer& splitter, Regex::Work& work, const Sink& sink)
      : splitter_(splitter), work_(work), sink_(sink) {}

  // As deep as there are stages (TokenizerFile::kStagesMax).
  void cut(std::size_t number, std::string_view piece) {
    if (number == splitter_.prefix_at_ && splitter_.prefix_space_ && !piece.starts_with(' ')) {
      const std::string prefixed = " " + std::string(piece);
      return apply(number, prefixed);
    }
    apply(number, piece);
  }

 private:
  void apply(std::size_t number, std::string_view piece) {
    if (number == splitter_.stages_.size()) return sink_(piece);
    const Stage& stage = splitter_.stages_[number];
    const Cuts::Emit emit = [&](std::size_t begin, std::size_t end) {
      cut(number + 1, piece.substr(begin, end - begin));
    };
    Cuts cuts(stage.behaviour, emit);
    std::size_t at = 0;
    while (const auto found = stage.regex.find(piece, at, work_)) {
      cuts.add(at, found->begin, stage.inverted);
      cuts.add(found->begin, found->end, !stage.inverted);
      at = found->end;
    }
    cuts.add(at, piece.size(), stage.inverted);
    cuts.flush();
  }

  const PreTokenizer& splitter_;
  Regex::Work& work_;
  const Sink& sink_;
};

PreTokenizer::PreTokenizer(const TokenizerFile& file)
    : prefix_at_(file.before_prefix.size()), prefix_space_(file.prefix_space) {
  const auto add = [&](const TokenizerFile::Stage& stage) {
    const bool literal = stage.kind == TokenizerFile::Stage::Pattern::Literal;
    const TranslatedPattern pattern =
        literal ? quote_pattern(stage.pattern) : translate_pattern(stage.pattern);
    stages_.push_back({Regex(pattern, "the pattern " + in_quotes(stage.pattern)), stage.behaviour,
                       stage.inverted});
  };
  for (const TokenizerFile::Stage& stage : file.before_prefix) add(stage);
  for (const TokenizerFile::Stage& stage : file.after_prefix) add(stage);
}

void PreTokenizer::split(std::string_view text, Regex::Work& work, const Sink& sink) const {
  if (!text.empty()) Cutter(*this, work, sink).cut(0, text);
}

}  // namespace model
