#include "engine/grammar.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "engine/line_automaton.h"

namespace engine {

namespace {

using State = LineAutomaton::State;

void require_line(const ClosingLine& line, const std::vector<int32_t>& end_tokens) {
  const auto require_text = [](const std::string& text, const char* what) {
    if (text.empty() || text.find('\n') != std::string::npos)
      throw std::invalid_argument(std::string("the closing line's ") + what +
                                  " is empty or has a line end");
  };
  require_text(line.opener, "opener");
  std::size_t bytes = line.opener.size();
  for (const std::string& choice : line.choices) {
    require_text(choice, "choice");
    bytes += choice.size();
  }
  if (line.choices.empty()) throw std::invalid_argument("the closing line has no choices");
  if (end_tokens.empty()) throw std::invalid_argument("no token ends the closing line");
  if (bytes > ClosingLineGrammar::kLineBytesMax)
    throw std::invalid_argument("the closing line has more than " +
                                std::to_string(ClosingLineGrammar::kLineBytesMax) + " bytes");
}

struct Writable {  // a token that stands for bytes
  int32_t token = 0;
  std::string_view bytes;
  bool control = false;
};

// `barred` and `end_tokens` are sorted.
std::vector<Writable> writable_tokens(const model::Tokenizer& tokenizer,
                                      const std::vector<int32_t>& barred,
                                      const std::vector<int32_t>& end_tokens) {
  const auto in = [](const std::vector<int32_t>& sorted, int32_t token) {
    return std::binary_search(sorted.begin(), sorted.end(), token);
  };
  std::vector<Writable> tokens;
  for (int32_t token = 0; token < tokenizer.size(); ++token) {
    const std::string_view bytes = tokenizer.bytes(token);
    if (bytes.empty() || in(end_tokens, token) || in(barred, token)) continue;
    tokens.push_back({.token = token, .bytes = bytes, .control = tokenizer.is_control(token)});
  }
  return tokens;
}

std::vector<int32_t> sorted(std::vector<int32_t> tokens) {
  std::sort(tokens.begin(), tokens.end());
  tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
  return tokens;
}

}  // namespace

class ClosingLineGrammar::Impl {
 public:
  Impl(const model::Tokenizer& tokenizer, const ClosingLine& line, std::vector<int32_t> end_tokens);

  // After `token` in `state`; nullopt: it is not allowed there.
  std::optional<State> after(State state, int32_t token) const {
    const auto& tokens = allowed_[std::size_t(state)];
    if (!std::binary_search(tokens.begin(), tokens.end(), token)) return std::nullopt;
    return automaton_.after(state, tokenizer_.bytes(token));
  }
  bool ends(int32_t token) const {
    return std::binary_search(end_tokens_.begin(), end_tokens_.end(), token);
  }

  class Follower;

  const model::Tokenizer& tokenizer_;
  const LineAutomaton automaton_;
  const std::vector<int32_t> end_tokens_;
  const int32_t free_tokens_max_;
  std::vector<std::vector<int32_t>> allowed_;  // by state

 private:
  std::vector<bool> states_with_an_end(const std::vector<Writable>& tokens) const;
  std::optional<State> written(State state, const Writable& token) const;
};

ClosingLineGrammar::Impl::Impl(const model::Tokenizer& tokenizer, const ClosingLine& line,
                               std::vector<int32_t> end_tokens)
    : tokenizer_(tokenizer),
      automaton_(line),
      end_tokens_(sorted(std::move(end_tokens))),
      free_tokens_max_(line.free_tokens_max),
      allowed_(std::size_t(automaton_.states())) {
  const auto tokens = writable_tokens(tokenizer, sorted(line.barred_tokens), end_tokens_);
  const auto has_end = states_with_an_end(tokens);
  for (State state = 0; state < automaton_.states(); ++state) {
    const auto place = std::size_t(state);
    const bool must_end =
        automaton_.is_free(state) &&
        (free_tokens_max_ > 0 ? !has_end[std::size_t(automaton_.forced(state))] : !has_end[place]);
    if (must_end)
      throw std::invalid_argument("the tokenizer's tokens cannot write the closing line \"" +
                                  line.opener + "\"");
    for (const Writable& token : tokens)
      if (const auto next = written(state, token); next && has_end[std::size_t(*next)])
        allowed_[place].push_back(token.token);
    if (automaton_.may_end(state)) {
      allowed_[place].insert(allowed_[place].end(), end_tokens_.begin(), end_tokens_.end());
      allowed_[place] = sorted(std::move(allowed_[place]));
    }
  }
}

// A control token's text may stand in free text, but never forms the line.
std::optional<State> ClosingLineGrammar::Impl::written(State state, const Writable& token) const {
  const auto next = automaton_.after(state, token.bytes);
  if (next && token.control && !(automaton_.is_free(state) && automaton_.is_free(*next)))
    return std::nullopt;
  return next;
}

// From which states the tokens can write on to the line's end: where they cannot, a sample would be
// left with nothing to say.
std::vector<bool> ClosingLineGrammar::Impl::states_with_an_end(
    const std::vector<Writable>& tokens) const {
  std::vector<bool> has_end(std::size_t(automaton_.states()));
  for (State state = 0; state < automaton_.states(); ++state)
    has_end[std::size_t(state)] = automaton_.may_end(state);

  const auto reaches = [&](State state) {
    return std::any_of(tokens.begin(), tokens.end(), [&](const Writable& token) {
      const auto next = written(state, token);
      return next && has_end[std::size_t(*next)];
    });
  };
  for (bool grown = true; grown;) {
    grown = false;
    for (State state = automaton_.states() - 1; state >= 0; --state) {  // ends are found first
      if (has_end[std::size_t(state)] || !reaches(state)) continue;
      has_end[std::size_t(state)] = true;
      grown = true;
    }
  }
  return has_end;
}

class ClosingLineGrammar::Impl::Follower : public Grammar {
 public:
  explicit Follower(std::shared_ptr<const Impl> rules)
      : rules_(std::move(rules)), state_(rules_->automaton_.start()) {}

  const std::vector<int32_t>* allowed() const override {
    return ended_ ? &rules_->end_tokens_ : &rules_->allowed_[std::size_t(state_)];
  }

  void accept(int32_t token) override {
    if (ended_) return;
    if (rules_->ends(token) && rules_->automaton_.may_end(state_)) {
      ended_ = true;
      return;
    }
    const auto next = rules_->after(state_, token);
    if (!next) throw std::logic_error("the grammar does not allow token " + std::to_string(token));
    state_ = *next;
    ++tokens_;
    if (rules_->free_tokens_max_ > 0 && tokens_ >= rules_->free_tokens_max_ &&
        rules_->automaton_.is_free(state_))
      state_ = rules_->automaton_.forced(state_);
  }

 private:
  std::shared_ptr<const Impl> rules_;
  State state_;
  int32_t tokens_ = 0;
  bool ended_ = false;
};

namespace {

class AfterMarker final : public Grammar {
 public:
  AfterMarker(int32_t marker, std::unique_ptr<Grammar> inner)
      : marker_(marker), inner_(std::move(inner)) {}

  const std::vector<int32_t>* allowed() const override {
    return reached_ ? inner_->allowed() : nullptr;
  }
  void accept(int32_t token) override {
    if (reached_)
      inner_->accept(token);
    else
      reached_ = token == marker_;
  }

 private:
  int32_t marker_;
  std::unique_ptr<Grammar> inner_;
  bool reached_ = false;
};

}  // namespace

std::unique_ptr<Grammar> grammar_after(int32_t marker, std::unique_ptr<Grammar> inner) {
  return std::make_unique<AfterMarker>(marker, std::move(inner));
}

ClosingLineGrammar::ClosingLineGrammar(const model::Tokenizer& tokenizer, ClosingLine line,
                                       std::vector<int32_t> end_tokens) {
  require_line(line, end_tokens);
  impl_ = std::make_shared<const Impl>(tokenizer, line, std::move(end_tokens));
}
ClosingLineGrammar::~ClosingLineGrammar() = default;

std::unique_ptr<Grammar> ClosingLineGrammar::start() const {
  return std::make_unique<Impl::Follower>(impl_);
}

}  // namespace engine
