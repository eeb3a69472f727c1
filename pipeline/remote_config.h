#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "http/client.h"
#include "pipeline/breaker.h"
#include "pipeline/chat.h"
#include "pipeline/concurrency.h"
#include "pipeline/reply_reader.h"
#include "pipeline/retry.h"

namespace pipeline {

// Whether answers are asked for as a stream. A stream shows that a server is alive, and long
// answers survive idle limits of whatever stands between; a whole answer is for servers without.
enum class Answering { Streamed, Whole };

// The name of the field that limits the answer: OpenAI's own newer models refuse the first.
enum class LengthField { MaxTokens, MaxCompletionTokens };

struct Endpoint {
  std::string name;      // in logs and in the ledger; unique
  std::string base_url;  // "http://127.0.0.1:8000/v1"
  std::string model;
  std::string api_key;  // empty: none is sent. Held in memory only.
  // A JSON object, merged into each request as RFC 7396 has it: objects merge, null removes a
  // member that the server does not take. E.g. {"chat_template_kwargs": {"thinking": true}}.
  std::string extra_body;
  http::Fields extra_fields;  // of HTTP; their values are kept as secret as the key
  Answering answering = Answering::Streamed;
  LengthField length_field = LengthField::MaxTokens;
  ConcurrencyLimit::Range concurrency;
  http::Deadlines deadlines;  // of one attempt
};

// Who answers for a role.
struct RoleRoute {
  std::vector<std::string> endpoints;  // by name; empty: all
  std::string model;                   // empty: the one that each endpoint names
};

struct DispatchRules {
  BreakerRules breaker;
  RetryBudget::Rules budget;
  int64_t outage_ms = 300'000;   // every endpoint of a role is down for that long: Halt
  int64_t refusal_ms = 60'000;   // how long one that refused a role is left alone
  int64_t hold_ms = 250;         // no calls after an overload; doubled with each in a row
  int64_t hold_ms_max = 30'000;  // ... up to this
};

struct RemoteConfig {
  std::vector<Endpoint> endpoints;
  std::array<RoleRoute, kRoles> routes;
  RetryRules retry;
  DispatchRules dispatch;
  ReplyLimits limits;
  int64_t call_ms = 21'600'000;           // of one call, from its first attempt on, waits included
  std::function<void(std::string)> warn;  // empty: warnings are lost
};

}  // namespace pipeline
