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

// What happens between two looks at the clock may walk over the whole text each time: places
// without a match, calls with one, repetitions (where the pattern has callouts).
constexpr std::size_t kEventsAtOnce = 64;
constexpr std::size_t kPlacesAtOnce = 64;  // in one call
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

Owned<pcre2_code> compile(const std::string& pattern, const std::string& name, uint32_t options) {
  const Owned<pcre2_compile_context> context(pcre2_compile_context_create(nullptr));
  if (!context) throw std::bad_alloc();
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);  // what '.' and '$' mean in Ruby
  options |= PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_USE_OFFSET_LIMIT;
  int error = 0;
  PCRE2_SIZE offset = 0;
  Owned<pcre2_code> code(
      pcre2_compile(units(pattern), pattern.size(), options, &error, &offset, context.get()));
  if (!code) throw Refused("tokenizer.json: " + name + " cannot be compiled: " + message_of(error));
  return code;
}

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
  std::size_t events = 0;

  bool late(std::size_t more_events) {
    events += more_events;
    if (events < kEventsAtOnce) return false;
    events = 0;
    return thread_seconds() > deadline;
  }
};

Regex::Work::Work(std::size_t text_bytes) : state_(std::make_unique<State>()) {
  if (!state_->context || !state_->data || !state_->stack) throw std::bad_alloc();
  const auto bytes = uint32_t(std::min<std::size_t>(text_bytes, 256 << 20));
  pcre2_set_match_limit(state_->context.get(), kStepsMax + kStepsMaxPerByte * bytes);
  pcre2_set_heap_limit(state_->context.get(), kHeapKiBMax);
  const auto stop_late = [](pcre2_callout_block*, void* state) {
    return static_cast<State*>(state)->late(1) ? PCRE2_ERROR_CALLOUT : 0;
  };
  pcre2_set_callout(state_->context.get(), stop_late, state_.get());
  pcre2_jit_stack_assign(state_->context.get(), nullptr, state_->stack.get());
  state_->deadline =
      thread_seconds() + kSecondsMax + kSecondsMaxPerMiB * double(text_bytes) / (1 << 20);
}

Regex::Work::~Work() = default;

Regex::Regex(const TranslatedPattern& pattern, std::string name, Engine engine)
    : code_(std::make_unique<Code>()) {
  code_->name = std::move(name);
  code_->group_one_skips = pattern.group_one_skips;
  code_->code = compile(pattern.text, code_->name, 0);
  uint32_t may_be_empty = 0;
  pcre2_pattern_info(code_->code.get(), PCRE2_INFO_MATCHEMPTY, &may_be_empty);
  if (may_be_empty != 0)
    throw Refused("tokenizer.json: " + code_->name + " can match an empty text");
  if (engine == Engine::Fastest && pcre2_jit_compile(code_->code.get(), PCRE2_JIT_COMPLETE) == 0)
    return;
  // The interpreter looks for a possible start up to the text's end, whatever the limit of starts:
  // quadratic for a text without a match, as it is asked a few places at a time.
  code_->code = compile(pattern.text, code_->name, PCRE2_NO_START_OPTIMIZE);
}

Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;
Regex::~Regex() = default;

std::optional<Regex::Found> Regex::find(std::string_view text, std::size_t from, Work& work) const {
  Work::State& state = *work.state_;
  const auto throw_late = [this] {
    throw std::runtime_error(code_->name + " takes too long on a text");
  };
  while (from < text.size()) {
    std::size_t last = std::min(from + kPlacesAtOnce, text.size());
    pcre2_set_offset_limit(state.context.get(), last);
    const int matched = pcre2_match(code_->code.get(), units(text), text.size(), from,
                                    PCRE2_NO_UTF_CHECK, state.data.get(), state.context.get());
    if (matched == PCRE2_ERROR_NOMATCH) {
      while (++last < text.size() && (text[last] & 0xC0) == 0x80) {
      }
      if (state.late(last - from)) throw_late();
      from = last;
      continue;
    }
    if (matched == PCRE2_ERROR_CALLOUT || state.late(1)) throw_late();
    if (matched < 0)
      throw std::runtime_error(code_->name + " gave up on a text: " + message_of(matched));
    const PCRE2_SIZE* range = pcre2_get_ovector_pointer(state.data.get());
    if (!code_->group_one_skips || matched < 2) return Found{range[0], range[1]};
    from = range[1];
  }
  return std::nullopt;
}

}  // namespace model
