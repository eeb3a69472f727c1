#include "apps/view.h"

#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>
#include <chrono>

#include "apps/view_text.h"
#include "tests/apps/cli_kit.h"

using namespace apps;

namespace {

pipeline::ItemProgress item(const std::string& name) {
  pipeline::ItemProgress progress;
  progress.name = name;
  progress.round = 2;
  progress.judged = 3;
  progress.best_mean = 0.875;
  progress.votes_for = 12;
  progress.votes_against = 3;
  progress.votes_struck = 1;
  return progress;
}

pipeline::Board board_with(std::size_t problems) {
  pipeline::Board board;
  for (std::size_t i = 0; i < problems; ++i)
    board.in_flight.push_back(item("problem-" + std::to_string(i)));
  board.items = 40;
  board.items_done = 10;
  board.accepted = 7;
  board.refused = 1;
  board.undecided = 2;
  board.calls_done = 120;
  board.calls_in_flight = 64;
  board.calls_waiting = 5;
  return board;
}

View::Options wide() {
  View::Options options;
  options.width = 200;
  options.height = 50;
  return options;
}

}  // namespace

TEST_SUITE("apps/view") {
  TEST_CASE("a frame tells each problem in flight and the whole") {
    const auto lines = frame(board_with(1), wide(), 100, 2500);

    REQUIRE(lines.size() == 3);
    CHECK(lines[0] == "problem-0     round  2  best 0.88   12 for   3 against   1 struck   0 lost");
    CHECK(lines[1] == "10 of 40 done  7 accepted 1 refused 2 undecided  2 min, about 5 min to go");
    CHECK(lines[2] == "calls 120 done  64 in flight 5 waiting  2.5k tokens/s");
  }

  TEST_CASE("more problems than lines are counted, not shown") {
    const auto lines = frame(board_with(35), wide(), 1, 0);

    REQUIRE(lines.size() == kViewProblemsMax + 3);
    CHECK(lines[kViewProblemsMax] == "and 23 more");
  }

  TEST_CASE("a frame never has more lines than the terminal can draw over") {
    View::Options options = wide();
    for (const int height : {1, 4, 6, 10, 24}) {
      CAPTURE(height);
      options.height = height;
      CHECK(frame(board_with(35), options, 1, 0).size() <= std::size_t(std::max(3, height - 1)));
    }
  }

  TEST_CASE("no line is wider than the terminal, whatever the names hold") {
    pipeline::Board board = board_with(2);
    board.in_flight.push_back(
        item("\u8b49\u660e\u3092\u66f8\u304f\u554f\u984c\u306e\u540d\u524d"
             "\u304c\u3068\u3066\u3082\u9577\u3044\u5834\u5408"));
    board.in_flight.push_back(item(std::string(500, 'n')));
    board.calls_known = 40;
    board.calls_failed = 3;
    View::Options options = wide();
    options.budget = {1000, 2'000'000, 12.5};
    for (const int width : {20, 40, 79, 80, 120}) {
      options.width = width;
      for (const std::string& line : frame(board, options, 4000, 10)) {
        CAPTURE(line);
        CHECK(columns(line) < std::size_t(width));
      }
    }
  }

  TEST_CASE("eighty columns hold all the figures of a problem") {
    View::Options options = wide();
    options.width = 80;

    const auto lines = frame(board_with(1), options, 1, 0);

    CHECK(has(lines[0], "struck"));
    CHECK(has(lines[0], "0 lost"));
  }

  TEST_CASE("a name cannot send anything to the terminal but itself") {
    pipeline::Board board;
    board.in_flight.push_back(item("evil\x1b[2J\r\nname\xff"));

    const auto lines = frame(board, wide(), 1, 0);

    for (const std::string& line : lines)
      for (const char c : line) CHECK((static_cast<unsigned char>(c) >= 0x20));
    CHECK(has(lines[0], "evil\uFFFD[2J\uFFFD\uFFFDname\uFFFD"));
  }

  TEST_CASE("colours are only there if they are asked for, and change no width") {
    View::Options options = wide();
    const auto plain = frame(board_with(2), options, 1, 0);
    options.colour = true;
    const auto coloured = frame(board_with(2), options, 1, 0);

    CHECK_FALSE(has(plain[0], "\x1b"));
    CHECK(has(coloured[0], "\x1b[32m"));
    std::string stripped;
    for (std::size_t i = 0; i < coloured[0].size(); ++i) {
      if (coloured[0][i] == '\x1b')
        i = coloured[0].find('m', i);
      else
        stripped += coloured[0][i];
    }
    CHECK(stripped == plain[0]);
  }

  TEST_CASE("the budget is shown with what is used of it") {
    pipeline::Board board = board_with(0);
    board.tokens_prompt = 1000;
    board.tokens_output = 11'300;
    board.cost = 0.126;
    View::Options options = wide();
    options.budget = {500, 1'000'000, 5.0};

    const auto lines = frame(board, options, 1, 0);

    CHECK(has(lines[1], "budget 120 of 500 calls, 12.3k of 1.0M tokens, cost 0.13 of 5.00"));
  }

  TEST_CASE("without anything done there is no guess at the time to go") {
    pipeline::Board board;
    board.items = 5;
    CHECK_FALSE(has(frame(board, wide(), 50, 0)[0], "to go"));
  }

  TEST_CASE("a view that is no terminal beats once and then only after a change") {
    std::FILE* out = std::tmpfile();
    boost::asio::io_context context;
    pipeline::Board board = board_with(1);
    View::Options options = wide();
    options.out = out;
    {
      View view(context.get_executor(), board, options);
      view.start();
      view.say("one\nand \x1b[31mtwo");
      context.run_for(std::chrono::milliseconds(kFirstHeartbeatMs + 200));
      view.stop();
    }
    std::rewind(out);
    std::string text(4096, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), out));
    std::fclose(out);

    CHECK(text.starts_with("one\nand \uFFFD[31mtwo\n10 of 40 done"));
    CHECK(lines_in(text) == 3);
    CHECK_FALSE(has(text, "\x1b"));
  }

  TEST_CASE("a view on a terminal takes its lines away at the end; display none says nothing") {
    for (const Display display : {Display::Full, Display::None}) {
      std::FILE* out = std::tmpfile();
      boost::asio::io_context context;
      const pipeline::Board board = board_with(1);
      View::Options options = wide();
      options.out = out;
      options.terminal = true;
      options.display = display;
      View view(context.get_executor(), board, options);
      view.start();
      context.run_for(std::chrono::milliseconds(kRedrawMs + 100));
      view.say("decided");
      view.clear();
      if (display == Display::Full) std::fputs("a result\n", out);
      view.stop();
      view.stop();
      view.say("after");
      std::rewind(out);
      std::string text(8192, '\0');
      text.resize(std::fread(text.data(), 1, text.size(), out));
      std::fclose(out);

      if (display == Display::None) {
        CHECK(text.empty());
        continue;
      }
      // Drawn; taken away for the line that stays; drawn again; taken away for good.
      const std::size_t said = text.find("\x1b[3A\r\x1b[Jdecided\n");
      CHECK(said != std::string::npos);
      CHECK(text.find("problem-0", said) != std::string::npos);
      CHECK(text.ends_with("\x1b[3A\r\x1b[Ja result\nafter\n"));
    }
  }

  TEST_CASE("widths count columns, not bytes") {
    CHECK(columns("abc") == 3);
    CHECK(columns("\u00e9") == 1);
    CHECK(columns("e\u0301") == 1);
    CHECK(columns("\u8b49\u660e") == 4);
    CHECK(shortened("\u8b49\u660e\u3092", 5) == "\u8b49\u660e\u2026");
    CHECK(shortened("\u8b49\u660e\u3092", 4) == "\u8b49\u2026");
    CHECK(shortened("abc", 3) == "abc");
    CHECK(shortened("abcd", 3) == "ab\u2026");
    CHECK(shortened("abcd", 0) == "");
    CHECK(padded("\u8b49", 4) == "\u8b49  ");
  }

  TEST_CASE("counts and times are short") {
    CHECK(short_count(950) == "950");
    CHECK(short_count(999.9) == "1.0k");
    CHECK(short_count(12'345) == "12.3k");
    CHECK(short_count(4'500'000) == "4.5M");
    CHECK(short_time(45) == "45 s");
    CHECK(short_time(720) == "12 min");
    CHECK(short_time(5999) == "100 min");
    CHECK(short_time(11100) == "3 h 05 min");
    CHECK(short_time(10 * 86400) == "10.0 d");
  }
}
