#include "tests/support/raw_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "tests/support/chat_wire.h"

namespace support {

RawClient::RawClient(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::system_error(errno, std::generic_category(), "cannot connect");
}

RawClient::~RawClient() { ::close(socket_); }

void RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0) return;  // the answer, or its absence, will tell
    bytes.remove_prefix(std::size_t(count));
  }
}

bool RawClient::read_some(int64_t wait_ms) {
  if (end_ != End::Open) return false;
  pollfd wait{socket_, POLLIN, 0};
  if (::poll(&wait, 1, int(wait_ms)) <= 0) return false;
  char bytes[16384];
  const ssize_t count = ::recv(socket_, bytes, sizeof bytes, 0);
  if (count > 0) {
    buffer_.append(bytes, std::size_t(count));
    return true;
  }
  end_ = count == 0 ? End::Fin : End::Rst;
  return false;
}

bool RawClient::read_to(std::size_t bytes) {
  while (buffer_.size() < bytes)
    if (!read_some(kWaitMs)) return false;
  return true;
}

RawClient::Answer RawClient::receive() {
  Answer answer;
  std::size_t head_end = buffer_.find("\r\n\r\n");
  while (head_end == std::string::npos) {
    if (!read_some(kWaitMs)) return answer;
    head_end = buffer_.find("\r\n\r\n");
  }
  answer.head = buffer_.substr(0, head_end + 4);
  buffer_.erase(0, head_end + 4);
  answer.status = std::atoi(answer.head.substr(9, 3).c_str());

  const std::size_t length = answer.head.find("Content-Length: ");
  if (length != std::string::npos) {
    const std::size_t bytes = std::size_t(std::atoll(answer.head.c_str() + length + 16));
    answer.whole = read_to(bytes);
    answer.body = buffer_.substr(0, bytes);
    buffer_.erase(0, bytes);
    return answer;
  }
  if (answer.head.find("chunked") == std::string::npos) {
    answer.whole = wait_for_end() == End::Fin;
    answer.body.swap(buffer_);
    return answer;
  }
  while (true) {
    std::size_t line = buffer_.find("\r\n");
    while (line == std::string::npos && read_some(kWaitMs)) line = buffer_.find("\r\n");
    if (line == std::string::npos) return answer;
    const std::size_t size = std::strtoull(buffer_.c_str(), nullptr, 16);
    const bool there = read_to(line + 2 + size + 2);
    answer.body += buffer_.substr(line + 2, size);
    buffer_.erase(0, line + 2 + size + 2);
    if (!there) return answer;
    if (size == 0) {
      answer.whole = true;
      return answer;
    }
  }
}

RawClient::End RawClient::wait_for_end(int64_t wait_ms) {
  const auto last = std::chrono::steady_clock::now() + std::chrono::milliseconds(wait_ms);
  while (end_ == End::Open) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(last - std::chrono::steady_clock::now());
    if (left.count() <= 0 || (!read_some(left.count()) && end_ == End::Open)) break;
  }
  return end_;
}

std::string chat_request(std::string_view prompt, int64_t seed, std::string_view more,
                         std::string_view request_id) {
  std::string body = "{\"model\":\"scripted\",\"messages\":[{\"role\":\"user\",\"content\":";
  append_json_string(body, prompt);
  body += "}],\"seed\":" + std::to_string(seed);
  body.append(more).append("}");
  std::string request = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n";
  if (!request_id.empty()) request.append("X-Request-Id: ").append(request_id).append("\r\n");
  return request + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace support
