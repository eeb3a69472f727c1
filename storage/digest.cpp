#include "storage/digest.h"

#include <string_view>

#include "text/sha256.h"

namespace storage {

namespace {

class Fields {
 public:
  Fields& add(std::string_view text) {
    add(int64_t(text.size()));
    bytes_ += text;
    return *this;
  }
  Fields& add(int64_t number) {
    for (int shift = 0; shift < 64; shift += 8) bytes_ += char(uint64_t(number) >> shift & 0xff);
    return *this;
  }
  template <class T>
  Fields& add(const std::optional<T>& value) {
    add(int64_t(value.has_value()));
    return value ? add(*value) : *this;
  }
  // A long text stands here by its hash, so that the buffer stays small.
  Fields& add_long(std::string_view text) { return add(text::sha256_hex(text)); }

  std::string digest() const { return text::sha256_hex(bytes_); }

 private:
  std::string bytes_;
};

void add_vote(Fields& fields, const VoteRow& vote) {
  fields.add(vote.call_key).add(vote.content_key).add(vote.index).add(vote.outcome);
  fields.add(vote.score).add(vote.note).add(int64_t(vote.echo));
  fields.add(int64_t(vote.issues.size()));
  for (const IssueRow& issue : vote.issues)
    fields.add(issue.severity).add(issue.quote).add(issue.reason).add(issue.begin).add(issue.end);
}

void add_meta_vote(Fields& fields, const MetaVoteRow& vote) {
  fields.add(vote.call_key).add(vote.vote_call_key).add(vote.index).add(vote.outcome);
  fields.add(vote.score).add(vote.verdict).add(vote.real);
  fields.add(int64_t(vote.consistent.has_value())).add(int64_t(vote.consistent.value_or(false)));
  fields.add(vote.note);
}

}  // namespace

std::string digest_of(const ProofRow& row) {
  Fields fields;
  fields.add(row.key)
      .add(row.content_key)
      .add(row.problem_sha256)
      .add(row.round)
      .add(row.slot)
      .add_long(row.text);
  fields.add(row.self_score).add(row.self_evaluation).add(row.call_key);
  fields.add(row.flags).add(int64_t(row.parents.size()));
  for (const std::string& parent : row.parents) fields.add(parent);
  return fields.digest();
}

std::string digest_of(const CallAnswer& answer, const std::optional<VoteRow>& vote,
                      const std::optional<MetaVoteRow>& meta_vote) {
  Fields fields;
  fields.add(answer.state).add(answer.finish_reason).add(answer.error);
  fields.add_long(answer.text).add_long(answer.reasoning);
  fields.add(int64_t(vote.has_value()));
  if (vote) add_vote(fields, *vote);
  fields.add(int64_t(meta_vote.has_value()));
  if (meta_vote) add_meta_vote(fields, *meta_vote);
  return fields.digest();
}

}  // namespace storage
