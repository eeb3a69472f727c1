#pragma once

#include <string>
#include <vector>

#include "audit/checks.h"

namespace audit {

// The steps of check_trace. Each looks at one side of a trace and adds what it finds.

struct Findings {
  const Trace& trace;
  std::vector<Finding> list;

  void add(FindingKind kind, std::string sentence, Severity severity = Severity::Fault);
  void add_vote(FindingKind kind, std::size_t vote, std::string sentence,
                Severity severity = Severity::Fault);  // `vote` from 0
};

void check_proof(Findings& findings);
void check_vote(Findings& findings, std::size_t vote);
void check_votes_together(Findings& findings);
void check_acceptance(Findings& findings);

}  // namespace audit
