#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apps/inputs.h"
#include "apps/report.h"
#include "audit/agreement.h"
#include "pipeline/run.h"
#include "storage/ledger.h"

namespace apps {

// A submission with what became of it: the rows that grade writes.
struct Graded {
  std::string id;
  std::string problem;
  pipeline::ItemResult result;
  std::optional<double> human;  // fraction of the maximum
  std::string human_error;      // why a mark that stands there cannot be used
  struct Issue {
    std::string severity, quote, reason;
    std::size_t line = 0;   // of the quote in the proof, from 1; 0: it does not occur
    std::size_t votes = 0;  // how many votes quote the same passage
  };
  std::vector<Issue> issues;  // of votes that were not struck, the most often quoted first
};

// The score it is given: of the decision, else the mean of the counted votes.
std::optional<double> score_of(const Graded& graded);

// How disputed an undecided one is: the share of the smaller side among parsed votes, 0 to 0.5.
double dispute_of(const Graded& graded);

// Adds the issues of each submission from the votes in the ledger.
void add_issues(std::vector<Graded>& graded, const Job& job, const storage::LedgerReader& reader,
                int64_t run);

std::string graded_json(const Graded& graded);              // one line
std::string graded_csv(const std::vector<Graded>& graded);  // with a header

struct GradeSummary {
  std::size_t accepted = 0, refused = 0, undecided = 0, unfinished = 0;
  std::size_t with_mark = 0;
  std::optional<audit::Agreement> agreement;  // over all with a mark and a score
  // Abstention: of those with a mark, the share that was decided, and how often rightly.
  std::size_t decided_with_mark = 0, decided_right = 0;
  std::vector<std::size_t> queue;  // undecided ones, the most disputed first
};
GradeSummary summarise(const std::vector<Graded>& graded);
std::string summary_words(const GradeSummary& summary, const std::vector<Graded>& graded);
std::string summary_json(const GradeSummary& summary, const std::vector<Graded>& graded);

}  // namespace apps
