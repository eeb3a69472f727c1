#include "storage/row_writer.h"

#include <stdexcept>

#include "storage/digest.h"

namespace storage {

namespace {

std::string in_run(int64_t run) { return " of run " + std::to_string(run); }

[[noreturn]] void contradict(const std::string& what) { throw std::logic_error(what); }

void require_same_key(const std::string& call_key, const std::string& row_key) {
  if (row_key != call_key)
    contradict("the answer of call " + call_key + " came with a vote of call " + row_key);
}

}  // namespace

int64_t RowWriter::create_run(const RunRow& run, const std::vector<ProblemRow>& problems) {
  int64_t id = 0;
  {
    const auto insert = statements_.borrow(
        "INSERT INTO run (kind, subject_sha256, meaning, settings, model, program, secret, seed,"
        " created_at, state, state_reason, forked_from) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
        "?)");
    insert->bind(1, run.kind).bind(2, run.subject_sha256).bind(3, run.meaning);
    insert->bind(4, run.settings).bind(5, run.model).bind(6, run.program);
    insert->bind_blob(7, run.secret).bind(8, run.seed).bind(9, run.created_at);
    insert->bind(10, run.state).bind(11, run.state_reason).bind(12, run.forked_from).run();
    id = statements_.database().last_insert_id();
  }
  for (const ProblemRow& problem : problems) add_problem(id, problem);
  return id;
}

// Two inputs with the same content are one problem that is judged once.
void RowWriter::add_problem(int64_t run, const ProblemRow& row) {
  const int64_t statement = texts_.text(std::string_view(row.statement));
  const std::optional<int64_t> reference = texts_.text(row.reference);
  const std::optional<int64_t> rubric = texts_.text(row.rubric);
  int64_t problem = 0;
  {
    const auto insert = statements_.borrow(
        "INSERT INTO problem (run_id, sha256, statement_id, reference_id, rubric_id)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT (run_id, sha256) DO NOTHING");
    insert->bind(1, run).bind(2, row.sha256).bind(3, statement).bind(4, reference);
    insert->bind(5, rubric).run();
    problem = problem_id(run, row.sha256);
  }
  {
    const auto same = statements_.borrow(
        "SELECT 1 FROM problem WHERE id = ? AND statement_id IS ? AND reference_id IS ?"
        " AND rubric_id IS ?");
    same->bind(1, problem).bind(2, statement).bind(3, reference).bind(4, rubric);
    if (!same->step())
      contradict("two problems" + in_run(run) + " have the sha256 " + row.sha256 +
                 " and different texts");
  }
  const auto insert = statements_.borrow(
      "INSERT INTO input (run_id, ordinal, name, problem_id, source, metadata)"
      " VALUES (?, ?, ?, ?, ?, ?)");
  insert->bind(1, run).bind(2, row.ordinal).bind(3, row.name).bind(4, problem);
  insert->bind(5, row.source).bind(6, row.metadata).run();
}

void RowWriter::set_run_state(int64_t run, std::string_view state, std::string_view reason) {
  const auto update = statements_.borrow("UPDATE run SET state = ?, state_reason = ? WHERE id = ?");
  update->bind(1, state).bind(2, reason).bind(3, run).run();
  if (statements_.database().changes() == 0) contradict("there is no run " + std::to_string(run));
}

int64_t RowWriter::problem_id(int64_t run, std::string_view sha256) {
  const auto find = statements_.borrow("SELECT id FROM problem WHERE run_id = ? AND sha256 = ?");
  find->bind(1, run).bind(2, sha256);
  if (!find->step()) contradict("there is no problem " + std::string(sha256) + in_run(run));
  return find->integer(0);
}

int64_t RowWriter::proof_id(int64_t run, std::string_view key) {
  const auto find = statements_.borrow("SELECT id FROM proof WHERE run_id = ? AND key = ?");
  find->bind(1, run).bind(2, key);
  if (!find->step()) contradict("there is no proof " + std::string(key) + in_run(run));
  return find->integer(0);
}

int64_t RowWriter::content_id(int64_t run, std::string_view key) {
  const auto find = statements_.borrow("SELECT id FROM content WHERE run_id = ? AND key = ?");
  find->bind(1, run).bind(2, key);
  if (!find->step())
    contradict("there is no proof with the content key " + std::string(key) + in_run(run));
  return find->integer(0);
}

std::optional<int64_t> RowWriter::content_id(int64_t run, const std::optional<std::string>& key) {
  if (!key) return std::nullopt;
  return content_id(run, std::string_view(*key));
}

std::optional<int64_t> RowWriter::call_id(int64_t run, const std::optional<std::string>& key) {
  if (!key) return std::nullopt;
  const auto find = statements_.borrow("SELECT id FROM call WHERE run_id = ? AND key = ?");
  find->bind(1, run).bind(2, *key);
  if (!find->step()) contradict("there is no call " + *key + in_run(run));
  return find->integer(0);
}

// Equal proofs have one content, whichever was written first.
int64_t RowWriter::add_content(int64_t run, const ProofRow& row) {
  const int64_t problem = problem_id(run, row.problem_sha256);
  const int64_t text = texts_.text(std::string_view(row.text));
  {
    const auto insert = statements_.borrow(
        "INSERT INTO content (run_id, key, problem_id, text_id) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (run_id, key) DO NOTHING");
    insert->bind(1, run).bind(2, row.content_key).bind(3, problem).bind(4, text).run();
  }
  const auto find = statements_.borrow(
      "SELECT id, problem_id = ? AND text_id = ? FROM content WHERE run_id = ? AND key = ?");
  find->bind(1, problem).bind(2, text).bind(3, run).bind(4, row.content_key);
  if (!find->step() || !find->integer(1))
    contradict("the content key " + row.content_key + in_run(run) +
               " is in the ledger with another problem or text");
  return find->integer(0);
}

void RowWriter::add_proof(int64_t run, const ProofRow& row) {
  const std::string digest = digest_of(row);
  {
    const auto find =
        statements_.borrow("SELECT content_sha256 FROM proof WHERE run_id = ? AND key = ?");
    find->bind(1, run).bind(2, row.key);
    if (find->step()) {
      if (find->text(0) == digest) return;
      contradict("proof " + row.key + in_run(run) + " is in the ledger with other content");
    }
  }
  const int64_t content = add_content(run, row);
  const std::optional<int64_t> call = call_id(run, row.call_key);
  const std::optional<int64_t> evaluation = texts_.text(row.self_evaluation);

  const auto insert = statements_.borrow(
      "INSERT INTO proof (run_id, key, content_id, round, slot, self_score, self_evaluation_id,"
      " call_id, flags, content_sha256) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert->bind(1, run).bind(2, row.key).bind(3, content).bind(4, row.round).bind(5, row.slot);
  insert->bind(6, row.self_score).bind(7, evaluation).bind(8, call).bind(9, row.flags);
  insert->bind(10, digest).run();
  const int64_t id = statements_.database().last_insert_id();

  const auto parent = statements_.borrow(
      "INSERT INTO proof_parent (proof_id, ordinal, parent_id) VALUES (?, ?, ?)");
  for (std::size_t i = 0; i < row.parents.size(); ++i)
    parent->bind(1, id)
        .bind(2, int64_t(i))
        .bind(3, proof_id(run, std::string_view(row.parents[i])))
        .run();
}

void RowWriter::intend(int64_t run, const CallIntent& intent, int64_t now) {
  const int64_t problem = problem_id(run, intent.problem_sha256);
  if (!intent.prompt) contradict("call " + intent.key + in_run(run) + " came without a prompt");
  const std::optional<int64_t> content = content_id(run, intent.content_key);
  const int64_t prompt = texts_.prompt(*intent.prompt);

  const auto insert = statements_.borrow(
      "INSERT INTO call (run_id, key, role, problem_id, content_id, number, ask, prompt_id, "
      "sampling,"
      " seed, model, state, intended_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'intended', ?)"
      " ON CONFLICT (run_id, key) DO NOTHING");
  insert->bind(1, run).bind(2, intent.key).bind(3, intent.role).bind(4, problem).bind(5, content);
  insert->bind(6, intent.index).bind(7, intent.ask).bind(8, prompt).bind(9, intent.sampling);
  insert->bind(10, intent.seed).bind(11, intent.model).bind(12, now).run();
  if (statements_.database().changes() == 0) intend_again(run, intent, problem, content, prompt);
}

void RowWriter::intend_again(int64_t run, const CallIntent& intent, int64_t problem,
                             std::optional<int64_t> content, int64_t prompt) {
  int64_t call = 0;
  std::string state;
  {
    const auto find = statements_.borrow(
        "SELECT id, state, prompt_id = ?, seed = ?, sampling = ?, role = ? AND problem_id = ?"
        " AND content_id IS ? AND number = ? AND ask = ? FROM call WHERE run_id = ? AND key = ?");
    find->bind(1, prompt).bind(2, intent.seed).bind(3, intent.sampling).bind(4, intent.role);
    find->bind(5, problem).bind(6, content).bind(7, intent.index).bind(8, intent.ask);
    find->bind(9, run).bind(10, intent.key);
    if (!find->step()) contradict("call " + intent.key + in_run(run) + " vanished");
    call = find->integer(0);
    state = find->text(1);
    const std::string what = "call " + intent.key + in_run(run) + " is in the ledger with another ";
    if (!find->integer(2)) contradict(what + "prompt than " + intent.prompt->sha256);
    if (!find->integer(3)) contradict(what + "seed than " + std::to_string(intent.seed));
    if (!find->integer(4)) contradict(what + "sampling than " + intent.sampling);
    if (!find->integer(5)) contradict(what + "role, problem, content, index or ask");
  }
  if (state != "answered") reopen(call, intent.model);
}

// What a failed call left behind goes, apart from its attempts: they stay, and show how often it
// was tried.
void RowWriter::reopen(int64_t call, const std::string& model) {
  statements_.borrow("DELETE FROM issue WHERE vote_id = ?")->bind(1, call).run();
  statements_.borrow("DELETE FROM vote WHERE call_id = ?")->bind(1, call).run();
  statements_.borrow("DELETE FROM meta_vote WHERE call_id = ?")->bind(1, call).run();
  const auto update = statements_.borrow(
      "UPDATE call SET state = 'intended', intents = intents + 1, model = ?, finish_reason = NULL,"
      " text_id = NULL, reasoning_id = NULL, error = NULL, endpoint = NULL, sent_at = NULL,"
      " done_at = NULL, recorded_at = NULL, tokens_prompt = NULL, tokens_cached = NULL,"
      " tokens_output = NULL, tokens_reasoning = NULL, tokens_estimated = NULL, cost = NULL,"
      " content_sha256 = NULL WHERE id = ?");
  update->bind(1, model).bind(2, call).run();
}

void RowWriter::answer(int64_t run, const std::string& call_key, const CallAnswer& answer,
                       const std::optional<VoteRow>& vote,
                       const std::optional<MetaVoteRow>& meta_vote, int64_t now) {
  if (answer.state != "answered" && answer.state != "failed" && answer.state != "cancelled")
    contradict("call " + call_key + in_run(run) + " cannot end in the state '" + answer.state +
               "'");
  if (vote) require_same_key(call_key, vote->call_key);
  if (meta_vote) require_same_key(call_key, meta_vote->call_key);

  const std::string digest = digest_of(answer, vote, meta_vote);
  int64_t call = 0;
  {
    const auto find = statements_.borrow(
        "SELECT id, state, content_sha256 FROM call WHERE run_id = ? AND key = ?");
    find->bind(1, run).bind(2, call_key);
    if (!find->step())
      contradict("call " + call_key + in_run(run) + " was answered and never intended");
    call = find->integer(0);
    if (find->text(1) != "intended") {
      if (find->text(2) == digest) return;
      contradict("call " + call_key + in_run(run) + " is in the ledger as " + find->text(1) +
                 " with another answer");
    }
  }
  store_answer(call, answer, digest, now);
  add_attempts(call, answer.attempts);
  if (vote) add_vote(run, call, *vote);
  if (meta_vote) add_meta_vote(run, call, *meta_vote);
}

void RowWriter::store_answer(int64_t call, const CallAnswer& answer, const std::string& digest,
                             int64_t now) {
  const std::optional<int64_t> text = texts_.text_unless_empty(answer.text);
  const std::optional<int64_t> reasoning = texts_.text_unless_empty(answer.reasoning);
  const auto update = statements_.borrow(
      "UPDATE call SET state = ?, finish_reason = ?, text_id = ?, reasoning_id = ?, error = ?,"
      " endpoint = ?, sent_at = ?, done_at = ?, recorded_at = ?, tokens_prompt = ?,"
      " tokens_cached = ?, tokens_output = ?, tokens_reasoning = ?, tokens_estimated = ?, cost = ?,"
      " content_sha256 = ? WHERE id = ?");
  update->bind(1, answer.state).bind(2, answer.finish_reason).bind(3, text).bind(4, reasoning);
  update->bind(5, answer.error).bind(6, answer.endpoint).bind(7, answer.sent_at);
  update->bind(8, answer.done_at).bind(9, now).bind(10, answer.tokens_prompt);
  update->bind(11, answer.tokens_cached).bind(12, answer.tokens_output);
  update->bind(13, answer.tokens_reasoning).bind(14, int64_t(answer.tokens_estimated));
  update->bind(15, answer.cost).bind(16, digest).bind(17, call).run();
}

void RowWriter::add_attempts(int64_t call, const std::vector<AttemptRow>& attempts) {
  if (attempts.empty()) return;
  int64_t ordinal = 0;
  {
    const auto count = statements_.borrow("SELECT count(*) FROM attempt WHERE call_id = ?");
    count->bind(1, call);
    if (count->step()) ordinal = count->integer(0);
  }
  const auto insert = statements_.borrow(
      "INSERT INTO attempt (call_id, ordinal, endpoint, started_at, ended_at, outcome, http_status,"
      " detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
  for (const AttemptRow& attempt : attempts) {
    insert->bind(1, call).bind(2, ordinal++).bind(3, attempt.endpoint);
    insert->bind(4, attempt.started_at).bind(5, attempt.ended_at).bind(6, attempt.outcome);
    insert->bind(7, attempt.http_status).bind(8, attempt.detail).run();
  }
}

void RowWriter::add_vote(int64_t run, int64_t call, const VoteRow& row) {
  const int64_t content = content_id(run, std::string_view(row.content_key));
  {
    const auto insert = statements_.borrow(
        "INSERT INTO vote (call_id, content_id, number, outcome, score, note, echo)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)");
    insert->bind(1, call).bind(2, content).bind(3, row.index).bind(4, row.outcome);
    insert->bind(5, row.score).bind(6, row.note).bind(7, int64_t(row.echo)).run();
  }
  const auto insert = statements_.borrow(
      "INSERT INTO issue (vote_id, ordinal, severity, quote, reason, quote_begin, quote_end)"
      " VALUES (?, ?, ?, ?, ?, ?, ?)");
  int64_t ordinal = 0;
  for (const IssueRow& issue : row.issues) {
    insert->bind(1, call).bind(2, ordinal++).bind(3, issue.severity).bind(4, issue.quote);
    insert->bind(5, issue.reason).bind(6, issue.begin).bind(7, issue.end).run();
  }
}

void RowWriter::add_meta_vote(int64_t run, int64_t call, const MetaVoteRow& row) {
  const std::optional<int64_t> vote = call_id(run, row.vote_call_key);
  const auto insert = statements_.borrow(
      "INSERT INTO meta_vote (call_id, vote_id, number, outcome, score, verdict, real, consistent,"
      " note) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert->bind(1, call).bind(2, vote).bind(3, row.index).bind(4, row.outcome).bind(5, row.score);
  insert->bind(6, row.verdict).bind(7, row.real);
  if (row.consistent)
    insert->bind(8, int64_t(*row.consistent));
  else
    insert->bind_null(8);
  insert->bind(9, row.note).run();
}

void RowWriter::decide(int64_t run, const DecisionRow& row, int64_t now) {
  const int64_t problem = problem_id(run, row.problem_sha256);
  const std::optional<int64_t> content = content_id(run, row.content_key);
  const auto upsert = statements_.borrow(
      "INSERT INTO decision (run_id, problem_id, content_id, rule, rule_version, outcome, numbers,"
      " made_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
      " ON CONFLICT (run_id, problem_id, ifnull(content_id, 0), rule) DO UPDATE SET"
      " rule_version = excluded.rule_version, outcome = excluded.outcome,"
      " numbers = excluded.numbers, made_at = excluded.made_at");
  upsert->bind(1, run).bind(2, problem).bind(3, content).bind(4, row.rule);
  upsert->bind(5, row.rule_version).bind(6, row.outcome).bind(7, row.numbers).bind(8, now).run();
}

void RowWriter::annotate(int64_t run, const AnnotationRow& row, int64_t now) {
  const int64_t problem = problem_id(run, row.problem_sha256);
  const std::optional<int64_t> content = content_id(run, row.content_key);
  const auto insert = statements_.borrow(
      "INSERT INTO annotation (run_id, problem_id, content_id, author, kind, body, written_at)"
      " VALUES (?, ?, ?, ?, ?, ?, ?)");
  insert->bind(1, run).bind(2, problem).bind(3, content).bind(4, row.author).bind(5, row.kind);
  insert->bind(6, row.body).bind(7, now).run();
}

}  // namespace storage
