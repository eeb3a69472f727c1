#pragma once

#include <array>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "prompts/template.h"

namespace pipeline {

namespace net = boost::asio;

// The one door to whatever answers: a remote server, the engine in this process, a script.

enum class Role { Generator, Verifier, MetaVerifier };
inline constexpr int kRoles = 3;
std::string_view to_text(Role role);       // "generator", "verifier", "meta_verifier"
using RoleSet = std::array<bool, kRoles>;  // which are meant
inline constexpr RoleSet kAllRoles{true, true, true};

struct Sampling {
  double temperature = 1.0;
  double top_p = 0.95;
  std::optional<int64_t> top_k;
  std::optional<double> min_p;
  int64_t max_tokens = 65536;  // of reasoning and answer together
};

struct ChatRequest {
  Role role = Role::Verifier;
  std::shared_ptr<const std::vector<prompts::Segment>> prompt;  // shared by the votes on one text
  Sampling sampling;
  int64_t seed = 0;      // in [0, 2^31)
  std::string call_key;  // names the call in logs and to the server
  std::string affinity;  // calls with equal affinity share a prefix: best on one server
};

enum class Finish { Stop, Length, ContentFilter, Other };

struct Attempt {
  std::string endpoint;
  int64_t started_at = 0;  // Unix milliseconds
  int64_t ended_at = 0;
  std::string outcome;  // "answered", "http 503", "cut", "timeout", ...
  int64_t http_status = 0;
  std::string detail;
};

struct Usage {
  std::optional<int64_t> prompt;
  std::optional<int64_t> cached;
  std::optional<int64_t> output;
  std::optional<int64_t> reasoning;
};

struct ChatReply {
  std::string text;  // the answer without its reasoning
  std::string reasoning;
  Finish finish = Finish::Stop;
  std::string finish_reason;  // as the server spelt it
  Usage usage;
  std::string model;  // as the server names itself
  std::string endpoint;
  std::vector<Attempt> attempts;  // those that failed first, then the one that answered
};

struct ChatFailure {
  // Final: asking again cannot help (the request is refused, too long, unauthorised).
  // Exhausted: every allowed attempt failed. Halt: nothing can be asked of this model any more
  // (key refused, model unknown, quota spent, every endpoint down): the run must stop.
  enum class Kind { Final, Exhausted, Halt };
  Kind kind = Kind::Final;
  std::string message;
  std::string partial_text;  // what had arrived: stored, never scored
  std::vector<Attempt> attempts;
};

class ChatModel {
 public:
  virtual ~ChatModel() = default;

  // Cancellation throws boost::system::system_error(operation_aborted).
  virtual net::awaitable<std::variant<ChatReply, ChatFailure>> complete(ChatRequest request) = 0;

  // What answers for a role, in words that name the same weights each time, wherever they are
  // served; part of a run's meaning.
  virtual std::string identity(Role role) const = 0;
};

}  // namespace pipeline
