#include "model/tokenizer_regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <stdexcept>

#include "model/config.h"

namespace model {
namespace {

// An attempt at one place may itself walk over the whole text, so the time is looked at after
// this many places, and after this many calls.
constexpr std::size_t kPlacesAtOnce = 256;
constexpr std::size_t kCallsAtOnce = 64;
constexpr std::size_t kStackBytesFirst = 32 << 10;

std::string message_of(int code) {
  std::array<PCRE2_UCHAR, 256> buffer = {};
  pcre2_get_error_message(code, buffer.data(), buffer.size());
  return reinterpret_cast<const char*>(buffer.data());
}

double thread_seconds() {
  timespec now = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return double(now.tv_sec) + 1e-9 * double(now.tv_nsec);
}

PCRE2_SPTR units(std::string_view text) { return reinterpret_cast<PCRE2_SPTR>(text.data()); }

struct Free {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
  void operator()(pcre2_compile_context* context) const { pcre2_compile_context_free(context); }
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
  void operator()(pcre2_jit_stack* stack) const { pcre2_jit_stack_free(stack); }
};

template <typename T>
using Owned = std::unique_ptr<T, Free>;

}  // namespace

struct Regex::Code {
  std::string name;
  Owned<pcre2_code> code;
  bool group_one_skips = false;
};

struct Regex::Work::State {
  Owned<pcre2_match_context> context{pcre2_match_context_create(nullptr)};
  Owned<pcre2_match_data> data{pcre2_match_data_create(2, nullptr)};
  Owned<pcre2_jit_stack> stack{pcre2_jit_stack_create(kStackBytesFirst, kStackBytesMax, nullptr)};
  double deadline = 0;
  std::size_t calls = 0;
};

Regex::Work::Work(std::size_t text_bytes) : state_(std::make_unique<State>()) {
  if (!state_->context || !state_->data || !state_->stack) throw std::bad_alloc();
  pcre2_set_match_limit(state_->context.get(), kStepsMax);
  pcre2_set_heap_limit(state_->context.get(), kHeapKiBMax);
  pcre2_jit_stack_assign(state_->context.get(), nullptr, state_->stack.get());
  state_->deadline =
      thread_seconds() + kSecondsMax + kSecondsMaxPerMiB * double(text_bytes) / (1 << 20);
}

Regex::Work::~Work() = default;

Regex::Regex(const TranslatedPattern& pattern, std::string name) : code_(std::make_unique<Code>()) {
  const Owned<pcre2_compile_context> context(pcre2_compile_context_create(nullptr));
  if (!context) throw std::bad_alloc();
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);  // what '.' and '$' mean in Ruby
  int error = 0;
  PCRE2_SIZE offset = 0;
  const uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_USE_OFFSET_LIMIT;
  code_->code.reset(pcre2_compile(units(pattern.text), pattern.text.size(), options, &error,
                                  &offset, context.get()));
  code_->name = std::move(name);
  code_->group_one_skips = pattern.group_one_skips;
  if (!code_->code)
    throw Refused("tokenizer.json: " + code_->name + " cannot be compiled: " + message_of(error));
  uint32_t may_be_empty = 0;
  pcre2_pattern_info(code_->code.get(), PCRE2_INFO_MATCHEMPTY, &may_be_empty);
  if (may_be_empty != 0)
    throw Refused("tokenizer.json: " + code_->name + " can match an empty text");
  // Where there is no JIT, the interpreter does the same more slowly.
  pcre2_jit_compile(code_->code.get(), PCRE2_JIT_COMPLETE);
}

Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;
Regex::~Regex() = default;

std::optional<Regex::Found> Regex::find(std::string_view text, std::size_t from, Work& work) const {
  Work::State& state = *work.state_;
  while (from < text.size()) {
    if (++state.calls % kCallsAtOnce == 0 && thread_seconds() > state.deadline)
      throw std::runtime_error(code_->name + " takes too long on a text");
    std::size_t last = std::min(from + kPlacesAtOnce, text.size());
    pcre2_set_offset_limit(state.context.get(), last);
    const int matched = pcre2_match(code_->code.get(), units(text), text.size(), from,
                                    PCRE2_NO_UTF_CHECK, state.data.get(), state.context.get());
    if (matched == PCRE2_ERROR_NOMATCH) {
      while (++last < text.size() && (text[last] & 0xC0) == 0x80) {
      }
      from = last;
      continue;
    }
    if (matched < 0)
      throw std::runtime_error(code_->name + " gave up on a text: " + message_of(matched));
    const PCRE2_SIZE* range = pcre2_get_ovector_pointer(state.data.get());
    if (!code_->group_one_skips || matched < 2) return Found{range[0], range[1]};
    from = range[1];
  }
  return std::nullopt;
}

}  // namespace model
