// How a connection answers a chat request, with all that may go wrong on purpose.
#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "tests/support/draws.h"
#include "tests/support/endpoint_session.h"
#include "text/sha256.h"

namespace support {

namespace {

std::string hex_of(uint64_t number) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, 16).ptr;
  return {digits.data(), std::size_t(end - digits.data())};
}

int64_t tokens_of(const std::vector<ScriptedAnswer>& answers) {
  int64_t tokens = 0;
  for (const ScriptedAnswer& answer : answers)
    tokens += support::tokens_of(answer.reasoning) + support::tokens_of(answer.content);
  return tokens;
}

AnswerWriter::Ending ending_of(const std::string& how) {
  return how == "rst"     ? AnswerWriter::Ending::Rst
         : how == "clean" ? AnswerWriter::Ending::Clean
                          : AnswerWriter::Ending::Fin;
}

void prepare(AnswerWriter& writer, const Fault& fault) {
  if (fault.kind == FaultKind::Cut)
    writer.cut_at(fault.number("at", 0), ending_of(fault.text("how", "fin")));
  if (fault.kind == FaultKind::Drip) writer.drip(std::max<int64_t>(fault.number("ms", 1), 1));
}

std::string filler_fields(const Fault& fault) {
  std::string fields;
  if (fault.kind != FaultKind::Headers) return fields;
  for (int64_t i = 0; i < fault.number("count", 1000); ++i)
    fields += "X-Filler-" + std::to_string(i) + ": filler\r\n";
  return fields;
}

}  // namespace

EndpointSession::Call EndpointSession::make_call(const Request& request, WireRequest& wire) {
  const EndpointOptions& options = state_.options;
  Call call;
  const uint64_t key = mixed(hash_of(wire.prompt), uint64_t(wire.seed));
  call.stream = wire.stream;
  call.frame.id = "chatcmpl-" + hex_of(key);
  call.frame.model = options.model;
  call.frame.dialect = options.dialect;
  for (int64_t i = 0; i < wire.choices; ++i) {
    call.answers.push_back(scripted_answer(wire.prompt, wire.seed + i, options.rates));
    if (wire.max_tokens && limit_tokens(call.answers.back(), *wire.max_tokens) == Fit::CutShort)
      call.frame.finish = "\"length\"";
  }
  if (!wire.stream || wire.include_usage) call.frame.usage = usage_json(wire.prompt, call.answers);
  if (state_.journal.is_kept())
    call.sha256 = text::sha256_hex(std::to_string(wire.seed) + "\n" + wire.prompt);

  const int64_t span = std::max<int64_t>(options.latency_ms_max - options.latency_ms_min, 0);
  call.latency_ms =
      options.latency_ms_min + int64_t(Draws(key).below(uint64_t(span) + 1, "latency"));

  const FaultCall about{request.id, key, wire.stream};
  Fault fault =
      state_.options.faults.decide(about, std::chrono::steady_clock::now() - state_.start);
  if (applies(fault, wire.stream)) call.fault = std::move(fault);
  return call;
}

net::awaitable<EndpointSession::Next> EndpointSession::answer_chat(Request& request) {
  auto read = read_chat_request(request.body);
  request.body = {};
  SimpleResponse refusal{.status = 400};
  WireRequest* wire = std::get_if<WireRequest>(&read);
  if (!wire) {
    refusal.body = error_body(std::get<std::string>(read), "invalid_request_error", "bad_request");
    co_return co_await respond(request, refusal);
  }
  if (!wire->model.empty() && wire->model != state_.options.model) {
    refusal.status = 404;
    refusal.body = error_body("The model " + wire->model + " does not exist.",
                              "invalid_request_error", "model_not_found");
    co_return co_await respond(request, refusal);
  }

  Call call = make_call(request, *wire);
  *wire = {};
  log("received", request, call, ",\"nth\":" + std::to_string(++state_.counts.received));
  const int64_t in_flight = ++state_.counts.in_flight;
  if (in_flight > state_.counts.in_flight_max) state_.counts.in_flight_max = in_flight;
  const Next next = co_await answer_call(request, call);
  --state_.counts.in_flight;
  co_return next;
}

net::awaitable<EndpointSession::Next> EndpointSession::answer_call(const Request& request,
                                                                   Call& call) {
  const Fault& fault = call.fault;
  if (fault.kind != FaultKind::None) {
    ++state_.counts.faults;
    std::string kind = ",\"kind\":";
    append_json_string(kind, fault.name);
    log("fault", request, call, kind);
  }
  if (fault.kind == FaultKind::Close) co_return fault.text("how") == "rst" ? Next::Rst : Next::Fin;
  if (call.latency_ms > 0) co_await wait_ms(double(call.latency_ms));
  if (fault.kind == FaultKind::Hang) co_return co_await wait_until_gone();
  if (const auto other = replacement(fault, request.authorization, call.stream))
    co_return co_await respond(request, *other);

  const std::string id = call.frame.id;
  const ScriptedAnswer own = call.answers.front();
  if (fault.kind == FaultKind::Swap && !state_.last_id.empty()) {
    call.frame.id = state_.last_id;
    call.answers.front() = state_.last_answer;
  }
  if (state_.scripted_faults) {
    state_.last_id = id;
    state_.last_answer = own;
  }
  deform(call.frame, call.answers, fault);
  if (call.stream) co_return co_await respond_stream(request, call);
  co_return co_await respond_plain(request, call);
}

// What goes out in front of an answer: one enormous line, or very many tiny ones.
net::awaitable<bool> EndpointSession::send_filler(AnswerWriter& writer, const Call& call) {
  constexpr int64_t kPieceBytes = 16 << 10;
  const Fault& fault = call.fault;
  if (fault.kind == FaultKind::LongLine) {
    const std::string piece(kPieceBytes, 'x');
    bool open = co_await writer.body(call.stream ? "data: \"" : "\"");
    int64_t left = fault.number("bytes", 10 << 20);
    for (; open && left > 0; left -= kPieceBytes)
      open = co_await writer.body(
          std::string_view(piece).substr(0, std::size_t(std::min(left, kPieceBytes))));
    co_return open&& co_await writer.body(call.stream ? "\"\n\n" : "\"");
  }
  if (fault.kind == FaultKind::Storm) {
    const std::string text = call.stream ? fault.text("text", ": ping\n\n") : "\n";
    bool open = true;
    for (int64_t i = 0; open && i < fault.number("count", 1000); ++i)
      open = co_await writer.body(text);
    co_return open;
  }
  co_return true;
}

net::awaitable<EndpointSession::Next> EndpointSession::respond_plain(const Request& request,
                                                                     Call& call) {
  const Fault& fault = call.fault;
  const std::string body =
      fault.kind == FaultKind::LongLine ? "" : plain_answer(call.frame, call.answers);
  int64_t length = int64_t(body.size());
  if (fault.kind == FaultKind::Cut && ending_of(fault.text("how")) == AnswerWriter::Ending::Clean)
    length = std::min(length, std::max<int64_t>(fault.number("at"), 0));
  if (fault.kind == FaultKind::Length)
    length = std::max<int64_t>(length + fault.number("by", 10), 0);
  if (fault.kind == FaultKind::LongLine) length += fault.number("bytes", 10 << 20) + 2;
  if (fault.kind == FaultKind::Storm) length += fault.number("count", 1000);

  AnswerWriter writer(socket_, AnswerWriter::Framing::Length);
  prepare(writer, fault);
  writer.head(head_of(request, 200, "application/json", filler_fields(fault)));
  writer.head("Content-Length: " + std::to_string(length) + "\r\n\r\n");
  if (fault.kind == FaultKind::HangAfterHead) {
    co_await writer.flush();
    co_return co_await wait_until_gone();
  }
  Sending sending = Sending::Whole;
  if (!co_await send_filler(writer, call) || !co_await writer.body(body)) sending = Sending::Gone;
  co_return co_await conclude(request, writer, call, sending);
}

// The events of the answer, at their pace.
net::awaitable<EndpointSession::Sending> EndpointSession::send_events(AnswerWriter& writer,
                                                                      const Call& call) {
  const Fault& fault = call.fault;
  const double rate = state_.options.tokens_per_second;
  const std::string style = fault.kind == FaultKind::Sse ? fault.text("style", "crlf") : "";
  const int64_t tokens_max = fault.number("tokens");
  const auto start = std::chrono::steady_clock::now();
  AnswerEvents events(call.frame, call.answers.front(), state_.options.chunk_tokens);
  if (style == "bom" && !co_await writer.body("\xEF\xBB\xBF")) co_return Sending::Gone;
  while (true) {
    const bool at_limit = events.tokens() >= tokens_max;
    const std::optional<std::string> event = events.next();
    if (!event) break;
    if (fault.kind == FaultKind::OnlyDone && *event != "[DONE]") continue;
    if (fault.kind == FaultKind::ErrorEvent && at_limit) {
      const std::string error = error_body("Scripted fault.", "server_error", "server_error");
      const bool open = co_await writer.body(sse_event(error, style));
      co_return open ? Sending::Deviated : Sending::Gone;
    }
    if (fault.kind == FaultKind::Silence && at_limit) co_return Sending::Silent;
    if (rate > 0 && events.gave_text()) {
      const std::chrono::duration<double, std::milli> passed =
          std::chrono::steady_clock::now() - start;
      const double due = 1000.0 * double(events.tokens()) / rate;
      if (due > passed.count()) co_await wait_ms(due - passed.count());
    }
    if (!co_await writer.body(sse_event(*event, style))) co_return Sending::Gone;
    if (rate > 0 && events.gave_text() && !co_await writer.flush()) co_return Sending::Gone;
    if (writer.was_cut()) break;
  }
  co_return fault.kind == FaultKind::OnlyDone ? Sending::Deviated : Sending::Whole;
}

net::awaitable<EndpointSession::Next> EndpointSession::respond_stream(const Request& request,
                                                                      Call& call) {
  const Fault& fault = call.fault;
  AnswerWriter writer(
      socket_, request.http_1_0 ? AnswerWriter::Framing::ToClose : AnswerWriter::Framing::Chunked);
  prepare(writer, fault);
  writer.head(head_of(request, 200, "text/event-stream; charset=utf-8", filler_fields(fault)));
  writer.head("Cache-Control: no-cache\r\n");
  writer.head(request.http_1_0 ? "\r\n" : "Transfer-Encoding: chunked\r\n\r\n");
  if (fault.kind == FaultKind::HangAfterHead) {
    co_await writer.flush();
    co_return co_await wait_until_gone();
  }
  if (!co_await send_filler(writer, call))
    co_return co_await conclude(request, writer, call, Sending::Gone);
  const Sending sending = co_await send_events(writer, call);
  if (sending == Sending::Silent) {
    co_await writer.flush();
    co_return co_await wait_until_gone();
  }
  co_return co_await conclude(request, writer, call, sending);
}

// Writes the last bytes and the journal's line in front of them.
net::awaitable<EndpointSession::Next> EndpointSession::conclude(const Request& request,
                                                                AnswerWriter& writer,
                                                                const Call& call, Sending sending) {
  const Fault& fault = call.fault;
  // A cut behind the end of the answer, or an error after its last token, never came about.
  const bool unharmed = fault.delivers() || (fault.kind == FaultKind::Cut && !writer.was_cut()) ||
                        fault.kind == FaultKind::ErrorEvent || fault.kind == FaultKind::Silence;
  const bool whole = sending == Sending::Whole && unharmed;
  if (whole) ++state_.counts.sent;
  if (whole && state_.journal.is_kept()) {
    std::string contents;
    for (const ScriptedAnswer& answer : call.answers) contents += answer.content;
    log("sent", request, call,
        ",\"answer\":\"" + text::sha256_hex(contents) +
            "\",\"tokens\":" + std::to_string(tokens_of(call.answers)));
  }
  if (fault.kind == FaultKind::Length && call.stream) {
    co_await writer.flush();  // the chunk that would say the end is missing
    co_return Next::Fin;
  }
  bool open = sending != Sending::Gone;
  if (open) open = co_await writer.finish();
  if (open && fault.kind == FaultKind::Extra) {
    writer.head("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
    open = co_await writer.flush();
  }
  if (!open) {
    log("cut", request, call);
    ++state_.counts.cut;
    co_return Next::Fin;
  }
  if (writer.ends_by_reset()) co_return Next::Rst;
  const bool breaks_framing = fault.kind == FaultKind::Length || fault.kind == FaultKind::ThenClose;
  if (breaks_framing || !writer.leaves_connection_usable() || !may_keep(request))
    co_return Next::Fin;
  co_return Next::Request;
}

}  // namespace support
