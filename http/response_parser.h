#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/client.h"

namespace http {

// A strict parser of one HTTP/1.x response (RFC 9112). Pure: bytes go in, events come out, and
// nothing is kept of them but a line that is not complete yet. It is ours because Beast's takes
// what must not be taken here: obsolete line folding, an unknown transfer coding beside a length,
// and chunk extensions and trailers without a limit.
class ResponseParser {
 public:
  struct Limits {
    std::size_t header_bytes_max = 64 << 10;  // of the head, and again of the trailers
    std::size_t body_bytes_max = 64 << 20;
  };
  enum class Request { Ordinary, Head, Connect };  // an answer to the latter two has no body
  enum class Event {
    NeedMore,   // all bytes are used up
    Head,       // head() is complete; interim (1xx) responses are skipped
    Data,       // data() is a piece of the body, a view into the bytes given
    Complete,   // the response has ended; bytes left over are not part of it
    Malformed,  // not HTTP; problem() says why; final
    TooLarge,   // over a limit; problem() says which; final
    Cut,        // (from end()) the response had begun and was not complete; final
  };

  ResponseParser(Request request, Limits limits) : request_(request), limits_(limits) {}

  // Takes bytes from the front of `bytes` until something has happened.
  Event next(std::string_view& bytes);
  // The peer has ended the stream: Complete for a body that ends so, else Cut or Malformed.
  Event end();

  const ResponseHead& head() const { return head_; }
  void drop_fields() { Fields().swap(head_.fields); }
  std::string_view data() const { return data_; }
  const std::string& problem() const { return problem_; }

  bool until_close() const { return until_close_; }  // the body's end is the stream's end
  bool keep_alive() const { return keep_alive_; }    // the server offers another exchange

 private:
  enum class State {
    Status,
    Field,
    Body,
    ToClose,
    ChunkSize,
    ChunkData,
    ChunkEnd,
    Trailers,
    Complete,
    Failed
  };

  Event take_line(std::string_view& bytes);
  Event take_status();
  Event take_field();
  Event take_framing_field(std::string_view name, std::string_view value);
  Event finish_head();
  Event take_data(std::string_view& bytes);
  Event take_chunk_size();
  Event take_trailer();
  Event fail(Event event, std::string problem);
  bool in_head() const { return state_ == State::Status || state_ == State::Field; }

  Request request_;
  Limits limits_;
  State state_ = State::Status;
  ResponseHead head_;
  std::string line_;
  std::string_view data_;
  std::string problem_;
  std::size_t line_block_bytes_ = 0;  // of the head or the trailers so far
  std::size_t body_bytes_ = 0;
  std::uint64_t length_ = 0;  // what is left of the body or of the chunk
  int interim_ = 0;
  bool http_1_0_ = false;
  bool has_length_ = false;
  bool chunked_ = false;
  bool until_close_ = false;
  bool keep_alive_ = true;
};

}  // namespace http
