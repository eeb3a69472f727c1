#include <unordered_map>
#include <utility>

#include "storage/files.h"
#include "storage/ledger.h"
#include "storage/ledger_check.h"
#include "storage/migrations.h"
#include "storage/snapshot.h"
#include "storage/statements.h"
#include "storage/stored_rows.h"

namespace storage {

class LedgerReader::Impl {
 public:
  explicit Impl(const std::filesystem::path& file)
      : file_(resolved(file)), database_(file_, Database::Access::Read), statements_(database_) {
    const auto newest = int64_t(migrations().size());
    const int64_t version = ledger_version(database_, file_, newest);
    if (version == 0) throw std::runtime_error(file_.string() + " is empty: no run was written");
    if (version < newest)
      throw std::runtime_error(file_.string() + " has the older ledger version " +
                               std::to_string(version) +
                               ": continue one of its runs, which brings it up to date");
    check_schema(database_, file_);
  }

  Statements::Borrowed of_run(std::string_view sql, int64_t run) {
    Statements::Borrowed statement = statements_.borrow(sql);
    statement->bind(1, run);
    return statement;
  }
  Statements::Borrowed of_key(std::string_view sql, int64_t run, std::string_view key) {
    Statements::Borrowed statement = statements_.borrow(sql);
    statement->bind(1, run).bind(2, key);
    return statement;
  }

  const std::filesystem::path file_;
  Database database_;
  Statements statements_;
};

LedgerReader::LedgerReader(const std::filesystem::path& file)
    : impl_(std::make_unique<Impl>(file)) {}

LedgerReader::~LedgerReader() = default;

std::vector<RunRow> LedgerReader::runs() const {
  static const std::string sql = std::string(kRunColumns) + " ORDER BY id";
  std::vector<RunRow> runs;
  const auto each = impl_->statements_.borrow(sql);
  while (each->step()) runs.push_back(run_of(*each));
  return runs;
}

std::optional<RunRow> LedgerReader::run(int64_t id) const {
  static const std::string sql = std::string(kRunColumns) + " WHERE id = ?";
  const auto find = impl_->of_run(sql, id);
  if (!find->step()) return std::nullopt;
  return run_of(*find);
}

std::vector<ProblemRow> LedgerReader::problems(int64_t run) const {
  std::vector<ProblemRow> problems;
  const auto each = impl_->of_run(
      "SELECT input.ordinal, input.name, problem.sha256, statement.bytes, reference.bytes,"
      " rubric.bytes, input.source, input.metadata FROM input"
      " JOIN problem ON problem.id = input.problem_id"
      " JOIN text AS statement ON statement.id = problem.statement_id"
      " LEFT JOIN text AS reference ON reference.id = problem.reference_id"
      " LEFT JOIN text AS rubric ON rubric.id = problem.rubric_id"
      " WHERE input.run_id = ? ORDER BY input.ordinal",
      run);
  while (each->step()) {
    ProblemRow& problem = problems.emplace_back();
    problem.ordinal = each->integer(0);
    problem.name = each->text(1);
    problem.sha256 = each->text(2);
    problem.statement = each->text(3);
    problem.reference = each->optional_text(4);
    problem.rubric = each->optional_text(5);
    problem.source = each->text(6);
    problem.metadata = each->text(7);
  }
  return problems;
}

std::vector<ProofRow> LedgerReader::proofs(int64_t run) const {
  const Snapshot snapshot(impl_->database_);
  std::vector<ProofRow> proofs;
  std::unordered_map<int64_t, std::size_t> place;  // of a proof's id in the result
  {
    const auto each = impl_->of_run(
        "SELECT proof.id, proof.key, content.key, problem.sha256, proof.round, proof.slot,"
        " body.bytes, proof.self_score, evaluation.bytes, call.key, proof.flags FROM proof"
        " JOIN content ON content.id = proof.content_id"
        " JOIN problem ON problem.id = content.problem_id"
        " JOIN text AS body ON body.id = content.text_id"
        " LEFT JOIN text AS evaluation ON evaluation.id = proof.self_evaluation_id"
        " LEFT JOIN call ON call.id = proof.call_id WHERE proof.run_id = ?"
        " ORDER BY content.problem_id, proof.round, proof.slot, proof.key",
        run);
    while (each->step()) {
      place.emplace(each->integer(0), proofs.size());
      ProofRow& proof = proofs.emplace_back();
      proof.key = each->text(1);
      proof.content_key = each->text(2);
      proof.problem_sha256 = each->text(3);
      proof.round = each->integer(4);
      proof.slot = each->integer(5);
      proof.text = each->text(6);
      proof.self_score = each->optional_text(7);
      proof.self_evaluation = each->optional_text(8);
      proof.call_key = each->optional_text(9);
      proof.flags = each->text(10);
    }
  }
  const auto each = impl_->of_run(
      "SELECT proof_parent.proof_id, parent.key FROM proof_parent"
      " JOIN proof ON proof.id = proof_parent.proof_id"
      " JOIN proof AS parent ON parent.id = proof_parent.parent_id WHERE proof.run_id = ?"
      " ORDER BY proof_parent.proof_id, proof_parent.ordinal",
      run);
  while (each->step())
    if (const auto proof = place.find(each->integer(0)); proof != place.end())
      proofs[proof->second].parents.push_back(each->text(1));
  return proofs;
}

std::optional<StoredCall> LedgerReader::call(int64_t run, std::string_view key) const {
  static const std::string sql =
      std::string(kCallColumns) + " WHERE call.run_id = ? AND call.key = ?";
  const Snapshot snapshot(impl_->database_);
  const auto find = impl_->of_key(sql, run, key);
  if (!find->step()) return std::nullopt;
  StoredCall call = call_of(*find);
  call.answer.text = find->text(21);
  call.answer.reasoning = find->text(22);
  const auto each = impl_->of_run(
      "SELECT call_id, endpoint, started_at, ended_at, outcome, http_status, detail FROM attempt"
      " WHERE call_id = ? ORDER BY ordinal",
      find->integer(23));
  while (each->step()) call.answer.attempts.push_back(attempt_of(*each));
  return call;
}

std::vector<StoredCall> LedgerReader::calls(int64_t run) const {
  static const std::string sql =
      std::string(kCallColumns) + " WHERE call.run_id = ? ORDER BY call.key";
  const Snapshot snapshot(impl_->database_);
  std::vector<StoredCall> calls;
  std::unordered_map<int64_t, std::size_t> place;  // of a call's id in the result
  {
    const auto each = impl_->of_run(sql, run);
    while (each->step()) {
      place.emplace(each->integer(23), calls.size());
      calls.push_back(call_of(*each));
    }
  }
  const auto each = impl_->of_run(
      "SELECT attempt.call_id, attempt.endpoint, attempt.started_at, attempt.ended_at,"
      " attempt.outcome, attempt.http_status, attempt.detail FROM call"
      " JOIN attempt ON attempt.call_id = call.id WHERE call.run_id = ?"
      " ORDER BY attempt.call_id, attempt.ordinal",
      run);
  while (each->step())
    if (const auto call = place.find(each->integer(0)); call != place.end())
      calls[call->second].answer.attempts.push_back(attempt_of(*each));
  return calls;
}

std::optional<PromptRow> LedgerReader::prompt_of(int64_t run, std::string_view call_key) const {
  const Snapshot snapshot(impl_->database_);
  const auto find = impl_->of_key(
      "SELECT prompt.id, prompt.template_name, text.bytes, prompt.sha256 FROM call"
      " JOIN prompt ON prompt.id = call.prompt_id JOIN text ON text.id = prompt.template_id"
      " WHERE call.run_id = ? AND call.key = ?",
      run, call_key);
  if (!find->step()) return std::nullopt;
  PromptRow prompt;
  prompt.template_name = find->text(1);
  prompt.template_text = find->text(2);
  prompt.sha256 = find->text(3);
  const auto each = impl_->of_run(
      "SELECT part.value ->> 'name', part.value ->> 'sha256', text.bytes FROM prompt,"
      " json_each(prompt.parts) AS part LEFT JOIN text ON text.sha256 = part.value ->> 'sha256'"
      " WHERE prompt.id = ? ORDER BY part.id",
      find->integer(0));
  while (each->step()) {
    if (each->is_null(2))
      throw std::runtime_error("prompt " + prompt.sha256 + " of " + impl_->file_.string() +
                               " misses the text " + each->text(1) + " of its part '" +
                               each->text(0) + "': restore a backup");
    prompt.parts.push_back({each->text(0), each->text(2)});
  }
  return prompt;
}

std::vector<VoteRow> LedgerReader::votes(int64_t run) const {
  const Snapshot snapshot(impl_->database_);
  std::vector<VoteRow> votes;
  std::unordered_map<int64_t, std::size_t> place;  // of a vote's id in the result
  {
    const auto each = impl_->of_run(
        "SELECT call.key, content.key, vote.number, vote.outcome, vote.score, vote.note, vote.echo,"
        " vote.call_id FROM call JOIN vote ON vote.call_id = call.id"
        " JOIN content ON content.id = vote.content_id WHERE call.run_id = ?"
        " ORDER BY content.problem_id, content.key, vote.number, call.key",
        run);
    while (each->step()) {
      place.emplace(each->integer(7), votes.size());
      votes.push_back(vote_of(*each));
    }
  }
  const auto each = impl_->of_run(
      "SELECT issue.vote_id, issue.severity, issue.quote, issue.reason, issue.quote_begin,"
      " issue.quote_end FROM call JOIN issue ON issue.vote_id = call.id WHERE call.run_id = ?"
      " ORDER BY issue.vote_id, issue.ordinal",
      run);
  while (each->step())
    if (const auto vote = place.find(each->integer(0)); vote != place.end())
      votes[vote->second].issues.push_back(issue_of(*each));
  return votes;
}

std::vector<MetaVoteRow> LedgerReader::meta_votes(int64_t run) const {
  std::vector<MetaVoteRow> votes;
  const auto each = impl_->of_run(
      "SELECT call.key, voting.key, meta_vote.number, meta_vote.outcome, meta_vote.score,"
      " meta_vote.verdict, meta_vote.real, meta_vote.consistent, meta_vote.note FROM call"
      " JOIN meta_vote ON meta_vote.call_id = call.id"
      " JOIN call AS voting ON voting.id = meta_vote.vote_id WHERE call.run_id = ?"
      " ORDER BY voting.key, meta_vote.number, call.key",
      run);
  while (each->step()) {
    MetaVoteRow& vote = votes.emplace_back();
    vote.call_key = each->text(0);
    vote.vote_call_key = each->text(1);
    vote.index = each->integer(2);
    vote.outcome = each->text(3);
    vote.score = each->optional_text(4);
    vote.verdict = each->optional_text(5);
    vote.real = each->text(6);
    if (!each->is_null(7)) vote.consistent = each->integer(7) != 0;
    vote.note = each->text(8);
  }
  return votes;
}

std::vector<DecisionRow> LedgerReader::decisions(int64_t run) const {
  std::vector<DecisionRow> decisions;
  const auto each = impl_->of_run(
      "SELECT problem.sha256, content.key, decision.rule, decision.rule_version, decision.outcome,"
      " decision.numbers FROM decision JOIN problem ON problem.id = decision.problem_id"
      " LEFT JOIN content ON content.id = decision.content_id WHERE decision.run_id = ?"
      " ORDER BY decision.problem_id, content.key, decision.rule",
      run);
  while (each->step()) {
    DecisionRow& decision = decisions.emplace_back();
    decision.problem_sha256 = each->text(0);
    decision.content_key = each->optional_text(1);
    decision.rule = each->text(2);
    decision.rule_version = each->integer(3);
    decision.outcome = each->text(4);
    decision.numbers = each->text(5);
  }
  return decisions;
}

std::vector<AnnotationRow> LedgerReader::annotations(int64_t run) const {
  std::vector<AnnotationRow> annotations;
  const auto each = impl_->of_run(
      "SELECT problem.sha256, content.key, annotation.author, annotation.kind, annotation.body"
      " FROM annotation JOIN problem ON problem.id = annotation.problem_id"
      " LEFT JOIN content ON content.id = annotation.content_id WHERE annotation.run_id = ?"
      " ORDER BY annotation.id",
      run);
  while (each->step()) {
    AnnotationRow& annotation = annotations.emplace_back();
    annotation.problem_sha256 = each->text(0);
    annotation.content_key = each->optional_text(1);
    annotation.author = each->text(2);
    annotation.kind = each->text(3);
    annotation.body = each->text(4);
  }
  return annotations;
}

LedgerReader::Totals LedgerReader::totals(int64_t run) const {
  const auto sum = impl_->of_run(
      "SELECT coalesce(sum(state IN ('answered', 'failed')), 0),"
      " coalesce(sum(state = 'intended'), 0),"
      " (SELECT count(*) FROM call AS tried JOIN attempt ON attempt.call_id = tried.id"
      "  WHERE tried.run_id = ?1),"
      " coalesce(sum(tokens_prompt), 0), coalesce(sum(tokens_output), 0),"
      " coalesce(sum(cost), 0.0), max(0, coalesce(max(recorded_at) - min(intended_at), 0))"
      " FROM call WHERE run_id = ?1",
      run);
  Totals totals;
  if (!sum->step()) return totals;
  totals.calls = sum->integer(0);
  totals.intended = sum->integer(1);
  totals.attempts = sum->integer(2);
  totals.tokens_prompt = sum->integer(3);
  totals.tokens_output = sum->integer(4);
  totals.cost = sum->real(5);
  totals.milliseconds = sum->integer(6);
  return totals;
}

std::vector<std::string> LedgerReader::check() const {
  return check_ledger(*this, impl_->database_);
}

}  // namespace storage
