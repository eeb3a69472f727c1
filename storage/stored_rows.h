#pragma once

#include <string_view>

#include "storage/rows.h"
#include "storage/sqlite.h"

namespace storage {

// How the columns of a query become the rows of rows.h: each function reads the columns, from 0,
// that stand beside it.

inline constexpr std::string_view kRunColumns =
    "SELECT id, kind, subject_sha256, meaning, settings, model, program, secret, seed, created_at,"
    " state, state_reason, forked_from FROM run";
RunRow run_of(const Statement& row);

inline constexpr std::string_view kCallColumns =
    "SELECT call.key, call.role, problem.sha256, content.key, call.number, call.ask, prompt.sha256,"
    " call.state, call.seed, call.model, call.finish_reason, call.error, call.endpoint,"
    " call.sent_at, call.done_at, call.tokens_prompt, call.tokens_cached, call.tokens_output,"
    " call.tokens_reasoning, call.tokens_estimated, call.cost, answer.bytes, reasoning.bytes,"
    " call.id FROM call JOIN problem ON problem.id = call.problem_id"
    " JOIN prompt ON prompt.id = call.prompt_id LEFT JOIN content ON content.id = call.content_id"
    " LEFT JOIN text AS answer ON answer.id = call.text_id"
    " LEFT JOIN text AS reasoning ON reasoning.id = call.reasoning_id";
StoredCall call_of(const Statement& row);  // without the texts in columns 21 and 22

// call, endpoint, start, end, outcome, HTTP status, detail
AttemptRow attempt_of(const Statement& row);
// key of the call, key of the content, number, outcome, score, note, echo
VoteRow vote_of(const Statement& row);  // without its issues
// vote, severity, quote, reason, begin, end
IssueRow issue_of(const Statement& row);

}  // namespace storage
