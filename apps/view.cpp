#include "apps/view.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <fmt/format.h>
#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <tuple>

#include "apps/view_text.h"
#include "text/words.h"

namespace apps {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kRateWindow{15};
constexpr std::size_t kRateSamplesMax = 256;

double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

// Tokens per second over the last few seconds.
class Rate {
 public:
  double add(Clock::time_point now, int64_t tokens) {
    samples_.push_back({now, tokens});
    while (samples_.size() > 2 &&
           (now - samples_[1].at > kRateWindow || samples_.size() > kRateSamplesMax))
      samples_.pop_front();
    const double seconds = seconds_between(samples_.front().at, now);
    return seconds > 0 ? double(tokens - samples_.front().tokens) / seconds : 0;
  }

 private:
  struct Sample {
    Clock::time_point at;
    int64_t tokens = 0;
  };
  std::deque<Sample> samples_;
};

// All that a heartbeat tells, apart from the time: equal ones are not worth a line.
auto figures_of(const pipeline::Board& board) {
  return std::tuple(board.items_done, board.items, board.calls_done, board.calls_known,
                    board.calls_failed, board.calls_in_flight, board.calls_waiting,
                    board.tokens_output);
}
using Figures = decltype(figures_of(std::declval<const pipeline::Board&>()));

void measure(View::Options& options) {
  winsize size{};
  if (::ioctl(::fileno(options.out), TIOCGWINSZ, &size) != 0) return;
  if (size.ws_col > 0) options.width = size.ws_col;
  if (size.ws_row > 0) options.height = size.ws_row;
}

}  // namespace

// Shared with the timer's handler, which may come once more after the view has gone.
class View::Impl : public std::enable_shared_from_this<View::Impl> {
 public:
  Impl(const boost::asio::any_io_executor& executor, const pipeline::Board& board, Options options)
      : timer_(executor), board_(board), options_(options) {
    if (options_.display == Display::Auto || options_.display == Display::Full)
      options_.display = options_.terminal ? Display::Full : Display::Plain;
  }

  void start() {
    started_ = Clock::now();
    rate_.add(started_, board_.tokens_output);
    running_ = true;
    if (options_.display == Display::Full) wait(kRedrawMs);
    if (options_.display == Display::Plain) wait(kFirstHeartbeatMs);
  }

  void stop() {
    if (!std::exchange(running_, false)) return;
    timer_.cancel();
    write(erased());
  }

  void clear() { write(erased()); }

  void say(const std::string& line) {
    if (options_.display == Display::None) return;
    std::string text = erased();
    for (const std::string_view part : text::lines_of(line)) text += printable(part) + '\n';
    if (running_ && options_.display == Display::Full) text += drawn_now();
    write(text);
  }

 private:
  void wait(int milliseconds) {
    timer_.expires_after(std::chrono::milliseconds(milliseconds));
    timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (!error && self->running_) self->tick();
    });
  }

  void tick() {
    if (options_.display == Display::Full) {
      const std::string before = erased();  // by the width that it was drawn for
      write(before + drawn_now());
      wait(kRedrawMs);
      return;
    }
    const Clock::time_point now = Clock::now();
    const double rate = rate_.add(now, board_.tokens_output);
    const Figures figures = figures_of(board_);
    if (told_ != figures) {
      told_ = figures;
      write(heartbeat(board_, options_, seconds_between(started_, now), rate) + '\n');
    }
    wait(kHeartbeatMs);
  }

  std::string drawn_now() {
    measure(options_);
    const Clock::time_point now = Clock::now();
    const double rate = rate_.add(now, board_.tokens_output);
    std::string text;
    for (const std::string& line : frame(board_, options_, seconds_between(started_, now), rate)) {
      text += line + '\n';
      ++drawn_;
    }
    drawn_width_ = options_.width;
    return text;
  }

  // What takes the drawn lines away. After the terminal was made narrower each may fill several.
  std::string erased() {
    if (drawn_ == 0) return "";
    const int width_before = drawn_width_;
    measure(options_);
    const int each =
        options_.width < width_before ? (width_before + options_.width - 1) / options_.width : 1;
    return fmt::format("\x1b[{}A\r\x1b[J",
                       std::min(std::exchange(drawn_, 0) * each, std::max(options_.height - 1, 1)));
  }

  // A terminal that cannot be written to is no reason to stop a run.
  void write(const std::string& text) {
    if (text.empty()) return;
    std::fwrite(text.data(), 1, text.size(), options_.out);
    std::fflush(options_.out);
  }

  boost::asio::steady_timer timer_;
  const pipeline::Board& board_;
  Options options_;
  Clock::time_point started_;
  Rate rate_;
  std::optional<Figures> told_;
  int drawn_ = 0;  // lines
  int drawn_width_ = 0;
  bool running_ = false;
};

View::View(boost::asio::any_io_executor executor, const pipeline::Board& board, Options options)
    : impl_(std::make_shared<Impl>(std::move(executor), board, options)) {}
View::~View() { impl_->stop(); }
void View::start() { impl_->start(); }
void View::stop() { impl_->stop(); }
void View::clear() { impl_->clear(); }
void View::say(const std::string& line) { impl_->say(line); }

View::Options view_options(const Config& config, const Environment& environment) {
  const auto set = [&](const char* name) { return !environment(name).value_or("").empty(); };
  View::Options options;
  options.display = config.display;
  options.out = stderr;
  const bool tty = ::isatty(::fileno(stderr)) == 1;
  options.terminal = tty && environment("TERM").value_or("dumb") != "dumb";
  options.colour = options.terminal && !set("NO_COLOR");
  if (options.terminal) measure(options);
  options.budget = config.budget;
  if (config.limits.time) options.seconds = config.limits.time->count() / 1000;
  return options;
}

}  // namespace apps
