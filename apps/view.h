#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "apps/config.h"
#include "pipeline/board.h"
#include "pipeline/budget.h"

namespace apps {

// What a person sees while a run is at work, on stderr. On a terminal: a line for each problem in
// flight and two for the whole, drawn again several times a second. Elsewhere: a line every
// kHeartbeatMs, and only if something has changed. Lines of the run itself (a problem decided, a
// warning) stand above and stay; Display::None keeps even them quiet.
inline constexpr int kViewProblemsMax = 12;  // lines for problems; more become "and 23 more"
inline constexpr int kRedrawMs = 250;
inline constexpr int kFirstHeartbeatMs = 1'000;
inline constexpr int kHeartbeatMs = 10'000;

class View {
 public:
  struct Options {
    Display display = Display::Auto;
    std::FILE* out = nullptr;  // stderr
    bool terminal = false;     // `out` is one, and TERM is not "dumb"
    bool colour = false;       // NO_COLOR is not set
    int width = 80;            // of the terminal, in columns; measured again before each frame
    int height = 24;           // in lines, likewise
    pipeline::BudgetLimits budget;
    std::optional<int64_t> seconds;  // of the time budget
  };

  View(boost::asio::any_io_executor executor, const pipeline::Board& board, Options options);
  ~View();
  View(const View&) = delete;
  View& operator=(const View&) = delete;

  void start();  // draws by a timer from now on
  void stop();   // takes the live lines away; nothing is drawn any more

  // A line that stays.
  void say(const std::string& line);

  // Takes the live lines away until they are drawn next: to be called before anything else writes
  // to the same terminal, such as a result to standard output.
  void clear();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

View::Options view_options(const Config& config, const Environment& environment);

// The frame for a board as lines without line ends: pure, for tests. `elapsed` in seconds.
std::vector<std::string> frame(const pipeline::Board& board, const View::Options& options,
                               double elapsed, double tokens_per_second);
// The same as one line without any escape sequence, for everything that is no terminal.
std::string heartbeat(const pipeline::Board& board, const View::Options& options, double elapsed,
                      double tokens_per_second);

}  // namespace apps
