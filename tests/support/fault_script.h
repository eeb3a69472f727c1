#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace support {

// What a scripted endpoint does wrong, and when. A script is a text, one rule a line:
//
//   # condition ... -> action [name=value ...]
//   attempt=1 rate=0.2   -> 503 retry-after=1
//   nth=7                -> cut at=120 how=rst
//   id=verifier every=10 -> error-event tokens=5
//   flip=5               -> 500
//   always               -> drip ms=1
//
// The first rule whose conditions all hold decides. Values with blanks stand in double quotes, in
// which \n, \r, \t, \" and \\ are known. Conditions:
//   always                 every chat request
//   attempt=N              the number behind '#' of X-Request-Id; without one, how often this
//                          prompt and seed have come
//   nth=N, every=N         the N-th request from the start, every N-th
//   id=TEXT                X-Request-Id holds TEXT
//   call=KEY               X-Request-Id up to its last '#' is KEY
//   rate=R                 for that share of all calls, drawn by call key (X-Request-Id up to '#',
//                          else prompt and seed): the same calls in every run
//   times=N                at most N times
//   flip=S                 in every second period of S seconds, the first one being good
//   stream=yes|no          the kind of request
//
// Actions; those marked + still deliver a whole answer, and the journal says `sent` for them:
//   400 ... 599, 3xx       that status. retry-after= (seconds, any text, or date+N for the HTTP
//                          date N seconds from now), retry-after-ms=, location=, code=, body=
//                          json (the default), string, html, empty, echo (the error repeats the
//                          key that was sent) or any other text
//   insufficient_quota, context_length_exceeded      429 and 400 with that code
//   hang, hang-after-head  says nothing (more), until the client goes
//   drip ms=               + one byte every so many milliseconds
//   silence tokens=        stops after so many tokens of a stream, until the client goes
//   cut at= how=fin|rst|clean     after so many bytes of the body; clean: as if it were complete
//   close how=fin|rst      closes without an answer
//   then-close             + answers, promises to keep the connection, closes it
//   no-done, no-finish, two-finishes, only-done      streams that lack or double their end
//   error-event tokens=    an error object in the stream after so many tokens
//   bad-utf8 kind=         + cut, overlong, surrogate, lone, nul, fffe or beyond in the text
//   long-line bytes=       a line of that length before the answer
//   storm count= text=     + TEXT so many times before the answer; ": ping\n\n" by default
//   html, empty            200 with a login page; 200 with nothing
//   body text= type=       200 with that body
//   headers count=         200 with so many header fields
//   index value=           the index of the choice
//   content value=         null, missing, number, empty or (+) parts
//   finish reason=         length, content_filter, tool_calls, ..., or null
//   usage value=           + missing, zero, negative, huge (2^63) or string
//   length by=             Content-Length too large or too small by so many bytes
//   swap                   the last answer that another call was given
//   extra                  + the answer, and the beginning of another one behind it
//   sse style=             + crlf, cr, bom, tight, named, comments, multiline
//   mixed                  one of the faults that a second attempt gets over, drawn by call key

enum class FaultKind {
  None,
  Status,
  Hang,
  HangAfterHead,
  Drip,
  Silence,
  Cut,
  Close,
  ThenClose,
  NoDone,
  NoFinish,
  TwoFinishes,
  OnlyDone,
  ErrorEvent,
  BadUtf8,
  LongLine,
  Storm,
  Html,
  Empty,
  Body,
  Headers,
  Index,
  Content,
  Finish,
  Usage,
  Length,
  Swap,
  Extra,
  Sse,
  Mixed,
};

struct Fault {
  FaultKind kind = FaultKind::None;
  std::string name;  // of the action, with its values: for the journal
  int status = 200;
  std::map<std::string, std::string> values;

  std::string text(const std::string& key, std::string_view otherwise = "") const;
  int64_t number(const std::string& key, int64_t otherwise = 0) const;
  bool delivers() const;  // a whole and right answer, in spite of everything
};

// What the conditions look at.
struct FaultCall {
  std::string_view request_id;
  uint64_t prompt_and_seed = 0;  // a hash
  bool stream = false;
};

class FaultScript {
 public:
  FaultScript() = default;

  // Throws std::runtime_error naming the line that cannot be read.
  explicit FaultScript(std::string_view text);
  static FaultScript from_file(const std::filesystem::path& file);

  // Adds `attempt=1 rate=R -> mixed`.
  void add_mixed(double rate);

  bool empty() const { return rules_.empty(); }

  // Counts the call and says what happens to it.
  Fault decide(const FaultCall& call, std::chrono::steady_clock::duration since_start);

  static constexpr std::size_t kRulesMax = 10'000;
  static constexpr std::size_t kScriptBytesMax = 4 << 20;
  // Of calls without an attempt number; beyond that all counting starts again.
  static constexpr std::size_t kCallsRemembered = 1 << 20;

 private:
  struct Rule {
    std::map<std::string, std::string> conditions;
    Fault fault;
    int64_t fired = 0;
  };
  struct Counted {
    int64_t nth = 0;
    int64_t attempt = 1;
    uint64_t key = 0;
    double seconds = 0;
  };
  static Rule read_rule(std::string_view line);
  bool holds(const Rule& rule, std::size_t index, const FaultCall& call,
             const Counted& counted) const;

  std::vector<Rule> rules_;
  int64_t calls_ = 0;
  std::unordered_map<uint64_t, int64_t> attempts_;
};

// The attempt number of a request id, if it has one.
std::optional<int64_t> attempt_of(std::string_view request_id);

}  // namespace support
