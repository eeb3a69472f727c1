#include "storage/stored_rows.h"

namespace storage {

namespace {

std::optional<int64_t> optional_integer(const Statement& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return row.integer(column);
}

}  // namespace

RunRow run_of(const Statement& row) {
  RunRow run;
  run.id = row.integer(0);
  run.kind = row.text(1);
  run.subject_sha256 = row.text(2);
  run.meaning = row.text(3);
  run.settings = row.text(4);
  run.model = row.text(5);
  run.program = row.text(6);
  run.secret = row.text(7);
  run.seed = row.integer(8);
  run.created_at = row.integer(9);
  run.state = row.text(10);
  run.state_reason = row.text(11);
  run.forked_from = optional_integer(row, 12);
  return run;
}

StoredCall call_of(const Statement& row) {
  StoredCall call;
  call.key = row.text(0);
  call.role = row.text(1);
  call.problem_sha256 = row.text(2);
  call.content_key = row.optional_text(3);
  call.index = row.integer(4);
  call.ask = row.integer(5);
  call.prompt_sha256 = row.text(6);
  call.state = row.text(7);
  call.seed = row.integer(8);
  call.model = row.text(9);
  if (call.state == "intended") return call;

  CallAnswer& answer = call.answer;
  answer.state = call.state;
  answer.finish_reason = row.text(10);
  answer.error = row.text(11);
  answer.endpoint = row.text(12);
  answer.sent_at = row.integer(13);
  answer.done_at = row.integer(14);
  answer.tokens_prompt = optional_integer(row, 15);
  answer.tokens_cached = optional_integer(row, 16);
  answer.tokens_output = optional_integer(row, 17);
  answer.tokens_reasoning = optional_integer(row, 18);
  answer.tokens_estimated = row.integer(19) != 0;
  answer.cost = row.real(20);
  return call;
}

AttemptRow attempt_of(const Statement& row) {
  AttemptRow attempt;
  attempt.endpoint = row.text(1);
  attempt.started_at = row.integer(2);
  attempt.ended_at = row.integer(3);
  attempt.outcome = row.text(4);
  attempt.http_status = row.integer(5);
  attempt.detail = row.text(6);
  return attempt;
}

VoteRow vote_of(const Statement& row) {
  VoteRow vote;
  vote.call_key = row.text(0);
  vote.content_key = row.text(1);
  vote.index = row.integer(2);
  vote.outcome = row.text(3);
  vote.score = row.optional_text(4);
  vote.note = row.text(5);
  vote.echo = row.integer(6) != 0;
  return vote;
}

IssueRow issue_of(const Statement& row) {
  IssueRow issue;
  issue.severity = row.text(1);
  issue.quote = row.text(2);
  issue.reason = row.text(3);
  issue.begin = optional_integer(row, 4);
  issue.end = optional_integer(row, 5);
  return issue;
}

}  // namespace storage
