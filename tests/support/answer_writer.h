#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace support {

namespace net = boost::asio;
using tcp = net::ip::tcp;

// Writes one answer as raw bytes, and breaks off where it is told to.
class AnswerWriter {
 public:
  enum class Framing { Length, Chunked, ToClose };  // what says where the body ends
  enum class Ending { Fin, Rst, Clean };

  // `socket` outlives it.
  AnswerWriter(tcp::socket& socket, Framing framing) : socket_(socket), framing_(framing) {}

  // Ends the answer after `bytes` of the body.
  void cut_at(int64_t bytes, Ending ending);
  void drip(int64_t ms) { drip_ms_ = ms; }

  void head(std::string_view bytes) { out_ += bytes; }

  // A piece of the body; nothing more of it goes out after the cut. False once the connection is
  // gone.
  net::awaitable<bool> body(std::string_view bytes);

  // The end of the body as the framing has it, and all that is still to be written.
  net::awaitable<bool> finish();

  net::awaitable<bool> flush();

  bool was_cut() const { return was_cut_; }
  bool ends_by_reset() const { return was_cut_ && ending_ == Ending::Rst; }
  bool leaves_connection_usable() const {
    return !broken_ && (!was_cut_ || ending_ == Ending::Clean) && framing_ != Framing::ToClose;
  }

 private:
  net::awaitable<bool> drip_out();

  static constexpr std::size_t kFlushBytes = 64 << 10;

  tcp::socket& socket_;
  Framing framing_;
  std::string out_;
  int64_t written_ = 0;  // of the body
  int64_t cut_at_ = std::numeric_limits<int64_t>::max();
  int64_t drip_ms_ = 0;
  Ending ending_ = Ending::Fin;
  bool was_cut_ = false;
  bool broken_ = false;
};

}  // namespace support
