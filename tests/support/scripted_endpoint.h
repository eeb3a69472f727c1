#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "tests/support/chat_wire.h"
#include "tests/support/endpoint_journal.h"
#include "tests/support/fault_script.h"
#include "tests/support/scripted_answers.h"

namespace support {

// A real HTTP/1.1 server that speaks the chat-completions API and whose answers are those of
// scripted_answers.h. It listens from construction on and answers on one thread of its own.
//
//   GET  /health, GET /v1/models, POST /v1/chat/completions (plain with n, or a stream)
//
// A request beyond a limit gets a JSON error object like any other error.
struct EndpointOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 0;               // 0: any free one
  std::string model = "scripted";  // a request for another model is refused with 404
  std::string api_key;             // empty: none is asked for
  ScriptedRates rates;
  Dialect dialect = Dialect::ReasoningContent;
  int64_t latency_ms_min = 0;  // before the head of an answer; drawn by prompt and seed
  int64_t latency_ms_max = 0;
  std::size_t chunk_tokens = 16;  // in each event of a stream
  double tokens_per_second = 0;   // of each stream; 0: as fast as it goes
  std::filesystem::path journal;  // empty: none
  EndpointJournal::Sync journal_sync = EndpointJournal::Sync::Written;
  FaultScript faults;
  double fault_rate = 0;  // share of calls whose first attempt meets a fault (`mixed`)
};

struct EndpointCounts {
  int64_t received = 0;  // chat requests that could be read
  int64_t sent = 0;      // answered in full; counted, like the journal, before the last byte
  int64_t faults = 0;    // rules that decided
  int64_t cut = 0;       // the client went while it was answered
  int64_t connections = 0;
  int64_t open_connections = 0;
  int64_t in_flight = 0;
  int64_t in_flight_max = 0;
};

class ScriptedEndpoint {
 public:
  static constexpr std::size_t kRequestBytesMax = 64 << 20;
  static constexpr uint32_t kHeaderBytesMax = 64 << 10;
  static constexpr std::size_t kConnectionsMax = 65'536;  // more wait in the listen queue

  // Throws boost::system::system_error if it cannot listen.
  explicit ScriptedEndpoint(EndpointOptions options);
  ~ScriptedEndpoint();  // stops without waiting for answers
  ScriptedEndpoint(const ScriptedEndpoint&) = delete;
  ScriptedEndpoint& operator=(const ScriptedEndpoint&) = delete;

  uint16_t port() const;
  std::string url() const;  // "http://127.0.0.1:PORT/v1"
  EndpointCounts counts() const;

  // Takes no new requests, finishes those in hand for at most `grace_ms`, then ends the thread.
  void stop(int64_t grace_ms);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace support
