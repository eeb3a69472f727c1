#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>

namespace support {

// The plainest HTTP client that there can be: it sees every byte of an answer. Blocking; all
// waits end after kWaitMs, so that a test fails instead of hanging.
class RawClient {
 public:
  static constexpr int64_t kWaitMs = 20'000;

  explicit RawClient(uint16_t port);  // connects to 127.0.0.1
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  void send(std::string_view bytes);

  struct Answer {
    int status = 0;      // 0: none came
    std::string head;    // with its line ends
    std::string body;    // without chunk framing
    bool whole = false;  // ended as its framing says
  };
  Answer receive();

  enum class End { Open, Fin, Rst };
  // Reads on until the connection ends or `wait_ms` are over; what comes is kept in `rest`.
  End wait_for_end(int64_t wait_ms = kWaitMs);
  const std::string& rest() const { return buffer_; }

 private:
  bool read_some(int64_t wait_ms);  // false at the end, or when the time is over
  bool read_to(std::size_t bytes);  // until the buffer holds so many

  int socket_ = -1;
  std::string buffer_;
  End end_ = End::Open;
};

// Waits until `condition()` holds; false if it still does not after RawClient::kWaitMs.
template <class Condition>
bool wait_until(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(RawClient::kWaitMs);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

// A POST of a chat request; `more` are JSON members with a comma before each.
std::string chat_request(std::string_view prompt, int64_t seed, std::string_view more = "",
                         std::string_view request_id = "");

}  // namespace support
