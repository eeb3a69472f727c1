#include "tests/support/answer_writer.h"

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <charconv>
#include <chrono>

namespace support {

static constexpr auto kAsTuple = net::as_tuple(net::use_awaitable);

void AnswerWriter::cut_at(int64_t bytes, Ending ending) {
  cut_at_ = std::max<int64_t>(bytes, 0);
  ending_ = ending;
}

net::awaitable<bool> AnswerWriter::body(std::string_view bytes) {
  if (broken_) co_return false;
  if (was_cut_ || bytes.empty()) co_return true;
  const std::string_view whole = bytes;
  if (written_ + int64_t(bytes.size()) > cut_at_) {
    bytes = bytes.substr(0, std::size_t(cut_at_ - written_));
    was_cut_ = true;
  }
  written_ += int64_t(bytes.size());

  if (framing_ == Framing::Chunked && !(was_cut_ && ending_ == Ending::Clean && bytes.empty())) {
    // A chunk that is cut still announces its whole size, unless the cut is to look clean.
    std::array<char, 20> digits{};
    const std::size_t size = ending_ == Ending::Clean ? bytes.size() : whole.size();
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), size, 16).ptr;
    out_.append(digits.data(), std::size_t(end - digits.data())).append("\r\n");
  }
  out_ += bytes;
  if (framing_ == Framing::Chunked && bytes.size() == whole.size()) out_ += "\r\n";
  if (framing_ == Framing::Chunked && was_cut_ && ending_ == Ending::Clean && !bytes.empty())
    out_ += "\r\n";
  if (out_.size() < kFlushBytes) co_return true;
  co_return co_await flush();
}

net::awaitable<bool> AnswerWriter::finish() {
  const bool ended = !was_cut_ || ending_ == Ending::Clean;
  if (framing_ == Framing::Chunked && ended) out_ += "0\r\n\r\n";
  co_return co_await flush();
}

net::awaitable<bool> AnswerWriter::flush() {
  if (broken_) co_return false;
  if (out_.empty()) co_return true;
  if (drip_ms_ > 0) co_return co_await drip_out();
  auto [error, count] = co_await net::async_write(socket_, net::buffer(out_), kAsTuple);
  broken_ = bool(error);
  out_.clear();
  co_return !broken_;
}

net::awaitable<bool> AnswerWriter::drip_out() {
  net::steady_timer timer(socket_.get_executor());
  for (std::size_t i = 0; i < out_.size() && !broken_; ++i) {
    timer.expires_after(std::chrono::milliseconds(drip_ms_));
    auto [late] = co_await timer.async_wait(kAsTuple);
    auto [error, count] = co_await net::async_write(socket_, net::buffer(&out_[i], 1), kAsTuple);
    broken_ = late || error;
  }
  out_.clear();
  co_return !broken_;
}

}  // namespace support
