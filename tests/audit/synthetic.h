#pragma once

// Clean traces drawn from a seed, for the tests of audit/: nothing in one gives reason to complain.

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "audit/trace.h"

namespace synthetic {

using Random = std::mt19937_64;

inline std::size_t below(Random& random, std::size_t bound) { return random() % bound; }

inline std::vector<std::string> sentences(Random& random) {
  const std::string n = std::to_string(2 + below(random, 900));
  const std::string m = std::to_string(3 + below(random, 900));
  std::vector<std::string> pool = {
      "Let $a_" + n + "$ be the sum of the first " + n + " odd numbers.",
      "By induction we may assume that $a_k = k^2$ holds for every $k \\le " + n + "$.",
      "Adding $2k + 1$ to both sides gives $a_{k+1} = k^2 + 2k + 1 = (k+1)^2$.",
      "Since " + m + " is fixed, the remaining factor is bounded by $" + m + " + " + n + "$.",
      "Suppose for contradiction that some prime $p$ divides both $x$ and $x + " + n + "$.",
      "Then $p$ divides the difference, which is $" + n + "$, and hence $p \\le " + n + "$.",
      "The inequality of the means yields $x^2 + y^2 \\ge 2xy$ with equality only for $x = y$.",
      "Therefore the map $t \\mapsto " + m + "t + 1$ is injective on the integers.",
  };
  std::shuffle(pool.begin(), pool.end(), random);
  pool.resize(4 + below(random, 4));
  pool.push_back("This shows the claim for $n = " + n + "$ and completes the proof.");
  return pool;
}

// The report in the grammar of prompts/verdict.h.
inline std::string report(const std::string& analysis, const audit::TraceVote& vote) {
  std::string text = analysis + "\n\n";
  for (std::size_t i = 0; i < vote.issues->size(); ++i) {
    const audit::TraceIssue& issue = (*vote.issues)[i];
    text += "ISSUE " + std::to_string(i + 1) + " (" + issue.severity + ")\nQUOTE: " + issue.quote +
            "\nREASON: " + issue.reason + "\n\n";
  }
  if (vote.issues->empty()) text += "NO ISSUES\n";
  return text + "VERDICT: " + vote.score + "\n";
}

inline audit::TraceVote vote(Random& random, const std::vector<std::string>& proof, double score,
                             std::size_t index) {
  audit::TraceVote vote;
  vote.score = score == 1 ? "1" : score == 0 ? "0" : "0.5";
  vote.fraction = score;
  vote.issues.emplace();
  const std::size_t issues = score == 1 ? below(random, 2) : 1 + below(random, 3);
  for (std::size_t i = 0; i < issues; ++i) {
    const std::string& sentence = proof[below(random, proof.size())];
    const bool fatal = score == 0 && i == 0;
    vote.issues->push_back({sentence.substr(0, sentence.size() - below(random, 8)),
                            fatal ? "fatal" : "minor",
                            "Step " + std::to_string(i + 1) + " needs a reason."});
  }
  vote.text = report("Report " + std::to_string(index + 1) + ": I went through the " +
                         std::to_string(proof.size()) + " sentences one by one (" +
                         std::to_string(random() % 100'000) + ").",
                     vote);
  return vote;
}

inline void restate(audit::Trace& trace) {
  std::size_t counted = 0, scored = 0;
  double sum = 0;
  for (const audit::TraceVote& each : trace.votes) {
    scored += each.fraction.has_value();
    if (!each.fraction || each.standing != audit::Standing::Counted) continue;
    ++counted;
    sum += *each.fraction;
  }
  trace.parsed = scored;
  trace.mean = counted == 0 ? std::nullopt : std::optional(sum / double(counted));
}

inline audit::Trace clean_trace(uint64_t seed) {
  Random random(seed);
  audit::Trace trace;
  trace.origin = audit::Origin::Elenchus;
  trace.id = "synthetic-" + std::to_string(seed);
  trace.problem = "Show that the sum of the first $n$ odd numbers is $n^2$.";
  const std::vector<std::string> proof = sentences(random);
  for (const std::string& sentence : proof)
    trace.proof += sentence + (below(random, 3) == 0 ? "\n\n" : " ");
  trace.proof.pop_back();
  trace.self_evaluation =
      "I believe that the solution is complete: the induction starts at one, each step adds the "
      "next odd number, and no case is left out.\n\nNO ISSUES\nVERDICT: 1\n";
  trace.rule = "unanimous";
  trace.votes_in_order = true;
  trace.quorum = 2;

  const std::size_t votes = 3 + below(random, 6);
  const bool good = below(random, 2) == 0;
  for (std::size_t i = 0; i < votes; ++i) {
    const double score = good ? 1.0 : double(below(random, 3)) / 2;
    trace.votes.push_back(vote(random, proof, score, i));
  }
  // One more that was struck, and one that could not be read.
  if (below(random, 2) == 0) {
    trace.votes.push_back(vote(random, proof, 0, votes));
    trace.votes.back().standing = audit::Standing::Struck;
  }
  const bool unread = below(random, 3) == 0;
  if (unread) {
    audit::TraceVote lost;
    lost.text = "I cannot say.";
    trace.votes.insert(trace.votes.begin(), lost);
  }
  trace.requested = trace.votes.size() + below(random, 3);
  trace.returned = trace.votes.size();
  restate(trace);
  const bool passes = std::ranges::all_of(trace.votes, [](const audit::TraceVote& each) {
    return each.standing != audit::Standing::Counted || each.fraction.value_or(1) == 1;
  });
  trace.accepted = passes;
  return trace;
}

// A clean trace that was accepted.
inline audit::Trace accepted_trace(uint64_t seed) {
  for (;; seed += 1'000'003) {
    audit::Trace trace = clean_trace(seed);
    if (*trace.accepted) return trace;
  }
}

// A negative vote, sound in itself, for the given trace.
inline audit::TraceVote counted_no(const audit::Trace& trace) {
  audit::TraceVote no;
  no.score = "0";
  no.fraction = 0;
  no.issues = {{trace.proof.substr(0, trace.proof.find('.') + 1), "fatal", "It does not follow."}};
  no.text = report("One more look.", no);
  return no;
}

}  // namespace synthetic
