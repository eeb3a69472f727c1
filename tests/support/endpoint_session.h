#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <chrono>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "tests/support/answer_writer.h"
#include "tests/support/endpoint_faults.h"
#include "tests/support/scripted_endpoint.h"

namespace support {

class EndpointSession;

// What the sessions of one endpoint share. All of it belongs to the endpoint's thread but for the
// counts, which anyone may read.
struct EndpointState {
  explicit EndpointState(EndpointOptions given);

  EndpointOptions options;
  EndpointJournal journal;
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  bool stopping = false;
  bool scripted_faults = false;  // whether anything may go wrong at all
  std::unordered_set<EndpointSession*> sessions;
  std::string last_id;  // the answer given last, for the fault `swap`
  ScriptedAnswer last_answer;

  struct {
    std::atomic<int64_t> received = 0, sent = 0, faults = 0, cut = 0, connections = 0;
    std::atomic<int64_t> open_connections = 0, in_flight = 0, in_flight_max = 0;
  } counts;
};

// One connection: reads a request, answers it, reads the next.
class EndpointSession {
 public:
  EndpointSession(EndpointState& state, tcp::socket socket);
  ~EndpointSession();
  EndpointSession(const EndpointSession&) = delete;
  EndpointSession& operator=(const EndpointSession&) = delete;

  net::awaitable<void> serve();

  // Ends it if it waits for a request, or for a client to go away.
  void stop_waiting();

 private:
  // What is kept of an HTTP request.
  struct Request {
    std::string method;
    std::string target;
    std::string id;             // X-Request-Id
    std::string authorization;  // as it was sent
    std::string body;
    int refusal = 0;  // a status other than 0: the request is not worth reading on
    bool keep_alive = false;
    bool http_1_0 = false;
  };

  // A chat request that could be read, and what it will be answered.
  struct Call {
    AnswerFrame frame;
    std::vector<ScriptedAnswer> answers;
    Fault fault;
    std::string sha256;  // of seed, LF, prompt; only if a journal is kept
    int64_t latency_ms = 0;
    bool stream = false;
    bool usage_asked = true;
  };

  // What becomes of the connection.
  enum class Next { Request, Fin, Rst };

  net::awaitable<bool> read_request(Request& request);
  net::awaitable<Next> answer(Request& request);
  net::awaitable<Next> answer_chat(Request& request);
  net::awaitable<Next> answer_call(const Request& request, Call& call);
  net::awaitable<Next> respond(const Request& request, const SimpleResponse& response);
  net::awaitable<Next> respond_plain(const Request& request, Call& call);
  net::awaitable<Next> respond_stream(const Request& request, Call& call);

  enum class Sending { Whole, Deviated, Gone, Silent };
  net::awaitable<Sending> send_events(AnswerWriter& writer, const Call& call);
  net::awaitable<bool> send_filler(AnswerWriter& writer, const Call& call);
  net::awaitable<Next> conclude(const Request& request, AnswerWriter& writer, const Call& call,
                                Sending sending);
  net::awaitable<Next> wait_until_gone();
  net::awaitable<void> wait_ms(double ms);

  Call make_call(const Request& request, WireRequest& wire);
  std::string head_of(const Request& request, int status, std::string_view type,
                      std::string_view fields) const;
  bool may_keep(const Request& request) const { return request.keep_alive && !state_.stopping; }
  void log(std::string_view event, const Request& request, const Call& call,
           std::string_view more = "");

  EndpointState& state_;
  tcp::socket socket_;
  net::steady_timer timer_;
  boost::beast::flat_buffer buffer_;
  bool waiting_ = false;
};

}  // namespace support
