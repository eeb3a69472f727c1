#include "tests/crash/crash_findings.h"

#include <fmt/format.h>

namespace crash {
namespace {

void add(std::vector<std::string>& to, const std::vector<std::string>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

// Each look must hold all that the looks before it held.
void find_lost(const Round& round, Findings& findings) {
  for (std::size_t i = 0; i < round.looks.size(); ++i) {
    const LedgerLook& next = i + 1 < round.looks.size() ? round.looks[i + 1] : round.end;
    const auto gone = missing(round.looks[i], next);
    findings.lost += int64_t(gone.size());
    for (const std::string& what : gone)
      findings.words.push_back(fmt::format("lost after death {}: {}", i + 1, what));
  }
}

// A call may be sent once, and once more for each death that met it without an answer.
void find_doubled(const Round& round, Findings& findings) {
  std::map<std::string, int64_t> deaths;
  for (const LedgerLook& look : round.looks) {
    findings.in_flight_at_kills += look.intended;
    for (const std::string& key : look.open) ++deaths[key];
  }
  findings.doubled += round.end.doubled;
  for (const auto& [key, call] : round.journal.calls) {
    findings.sent_again += call.received > 1 ? call.received - 1 : 0;
    const auto known = deaths.find(key);
    const int64_t allowed = 1 + (known == deaths.end() ? 0 : known->second);
    if (call.received <= allowed) continue;
    ++findings.doubled;
    findings.words.push_back(
        fmt::format("{} was sent {} times, {} at most explained", key, call.received, allowed));
  }
}

void find_different(const Round& reference, const Round& round, Findings& findings) {
  add(findings.words, differences(reference.verdicts, round.verdicts));
  findings.different_verdicts += int64_t(differences(reference.verdicts, round.verdicts).size());
  for (const Verdicts& announced : round.announced)
    for (const auto& [id, verdict] : announced) {
      const auto expected = reference.verdicts.find(id);
      if (expected != reference.verdicts.end() && expected->second == verdict) continue;
      ++findings.different_verdicts;
      findings.words.push_back("printed before a death: " + verdict);
    }
}

void find_unsound(const Round& reference, const Round& round, Findings& findings) {
  const auto say = [&](std::string words) {
    ++findings.unsound;
    findings.words.push_back(std::move(words));
  };
  if (round.exit_code != reference.exit_code)
    say(fmt::format("ended with {}: {}", round.exit_code, round.errors));
  for (const std::string& finding : round.integrity) say("integrity: " + finding);
  if (round.end.annotations != reference.end.annotations)
    say(fmt::format("{} annotations, not the {} of the input", round.end.annotations.size(),
                    reference.end.annotations.size()));
  for (const auto& [key, answer] : round.end.answers) {
    const auto call = round.journal.calls.find(key);
    if (call == round.journal.calls.end() || !call->second.answers.contains(answer))
      say("the stored answer of " + key + " was never sent");
  }
}

}  // namespace

std::vector<std::string> differences(const Verdicts& expected, const Verdicts& got) {
  std::vector<std::string> words;
  for (const auto& [id, verdict] : expected) {
    const auto there = got.find(id);
    if (there == got.end())
      words.push_back("no verdict on " + id);
    else if (there->second != verdict)
      words.push_back(fmt::format("{} instead of {}", there->second, verdict));
  }
  for (const auto& [id, verdict] : got)
    if (!expected.contains(id)) words.push_back("a verdict on nothing: " + verdict);
  return words;
}

Findings examine(const Round& reference, const Round& round) {
  Findings findings;
  find_lost(round, findings);
  find_doubled(round, findings);
  find_different(reference, round, findings);
  find_unsound(reference, round, findings);
  return findings;
}

}  // namespace crash
