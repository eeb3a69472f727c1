#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "storage/ledger.h"
#include "storage/sqlite.h"
#include "tests/storage/ledger_fixture.h"

using storage::LedgerReader;

namespace {

// The bytes of a closed ledger with every kind of row, and texts long enough for several pages.
std::string sound_ledger(const TemporaryFolder& folder) {
  {
    Ledger ledger(folder / "sound.sqlite");
    fill(ledger);
    ledger.intend(sample_intent("generator/long"));
    ledger.answer("generator/long", sample_answer(std::string(30'000, 'l')));
  }
  return bytes_of(folder / "sound.sqlite");
}

// All that decides a verdict, as one text.
std::string content_of(const LedgerReader& reader) {
  std::string all;
  for (const storage::RunRow& run : reader.runs()) {
    for (const auto& problem : reader.problems(run.id)) all += problem.statement + '\n';
    for (const auto& proof : reader.proofs(run.id)) all += proof.key + proof.text + '\n';
    for (const auto& listed : reader.calls(run.id)) {
      const auto call = reader.call(run.id, listed.key);
      const auto prompt = reader.prompt_of(run.id, listed.key);
      if (!call || !prompt) continue;
      all += call->key + call->state + call->answer.text + '\n';
      for (const auto& part : prompt->parts) all += part.text + '\n';
    }
    for (const auto& vote : reader.votes(run.id)) {
      all += vote.call_key + vote.content_key + vote.score.value_or("-") + '\n';
      for (const auto& issue : vote.issues) all += issue.quote + '\n';
    }
    for (const auto& vote : reader.meta_votes(run.id))
      all += vote.call_key + vote.vote_call_key + vote.verdict.value_or("-") + '\n';
    all += std::to_string(reader.decisions(run.id).size() + reader.annotations(run.id).size());
    all += std::to_string(reader.totals(run.id).calls);
  }
  return all;
}

enum class Fate { Refused, Found, Unchanged, Silent };

// Opens a damaged file, checks it and reads all of it. Anything but std::runtime_error escapes.
Fate fate_of(const std::filesystem::path& file, const std::string& expected) {
  try {
    const LedgerReader reader(file);
    if (!reader.check().empty()) {
      try {
        content_of(reader);
      } catch (const std::runtime_error&) {
      }
      return Fate::Found;
    }
    return content_of(reader) == expected ? Fate::Unchanged : Fate::Silent;
  } catch (const std::runtime_error&) {
    return Fate::Refused;
  }
}

// Reads `rounds` copies of a ledger with 1 to 64 random bytes in one page; how many damages were
// noticed.
int flip_and_read(int rounds, uint64_t seed) {
  TemporaryFolder folder;
  const std::string sound = sound_ledger(folder);
  const std::string expected = content_of(LedgerReader(folder / "sound.sqlite"));
  const auto file = folder / "damaged.sqlite";
  std::mt19937_64 random(seed);
  int noticed = 0;
  for (int round = 0; round < rounds; ++round) {
    std::string bytes = sound;
    // Every page gets its turn, and every eighth time it is its header that is hit.
    const std::size_t page = std::size_t(round) % (bytes.size() / 4096) * 4096;
    const int flips = 1 << round % 7;
    for (int i = 0; i < flips; ++i)
      bytes[page + random() % (round % 8 == 0 ? 16 : 4096)] = char(random());
    write_bytes(file, bytes);
    CAPTURE(seed);
    CAPTURE(round);

    const Fate fate = fate_of(file, expected);

    CHECK(fate != Fate::Silent);
    noticed += fate == Fate::Refused || fate == Fate::Found ? 1 : 0;
  }
  return noticed;
}

void change(const std::filesystem::path& file, const std::string& sql) {
  storage::Database database(file, storage::Database::Access::Write);
  database.execute("PRAGMA foreign_keys = OFF");
  database.execute(sql);
}

}  // namespace

TEST_SUITE("storage/damage") {
  TEST_CASE("a sound ledger has no findings") {
    TemporaryFolder folder;
    sound_ledger(folder);

    CHECK(LedgerReader(folder / "sound.sqlite").check().empty());
  }

  TEST_CASE("a change of any stored content is found and named") {
    TemporaryFolder folder;
    const std::string sound = sound_ledger(folder);
    const std::pair<const char*, const char*> cases[] = {
        {"UPDATE text SET bytes = x'00' WHERE id = 1", "text 1 does not have the sha256"},
        {"DELETE FROM text WHERE bytes = CAST('Be brief.' AS BLOB)", "misses the text"},
        {"UPDATE vote SET score = '1'", "the answer of call verifier/0"},
        {"UPDATE issue SET quote = 'other' WHERE ordinal = 1", "the answer of call verifier/0"},
        {"DELETE FROM issue", "the answer of call verifier/0"},
        {"UPDATE meta_vote SET verdict = 'struck'", "the answer of call meta/0"},
        {"DELETE FROM meta_vote", "the answer of call meta/0"},
        {"UPDATE call SET finish_reason = 'length' WHERE key = 'generator/0'",
         "the answer of call generator/0"},
        {"UPDATE proof SET self_score = '0' WHERE key = 'proof/0'", "proof proof/0 of run 1"},
        {"DELETE FROM proof_parent", "proof proof/1 of run 1"},
        {"DELETE FROM content", "names a row of table content"},
        {"UPDATE prompt SET parts = '{'", "the check of the prompts broke off"},
    };
    for (const auto& damage : cases) {
      const auto& sql = damage.first;
      const auto& finding = damage.second;
      CAPTURE(sql);
      write_bytes(folder / "sound.sqlite", sound);
      change(folder / "sound.sqlite", sql);

      const auto findings = LedgerReader(folder / "sound.sqlite").check();

      CHECK(std::any_of(findings.begin(), findings.end(),
                        [&](const std::string& line) { return holds(line, finding); }));
    }
  }

  TEST_CASE("findings end at a thousand") {
    TemporaryFolder folder;
    sound_ledger(folder);
    change(folder / "sound.sqlite",
           "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
           " INSERT INTO text (sha256, bytes) SELECT 'wrong ' || i, x'00' FROM n");

    CHECK(LedgerReader(folder / "sound.sqlite").check().size() == 1'000);
  }

  TEST_CASE("flipped bytes are refused or found, or changed nothing that decides") {
    CHECK(flip_and_read(120, 3) > 30);
  }

  TEST_CASE("a file that was cut short is refused or found") {
    TemporaryFolder folder;
    const std::string sound = sound_ledger(folder);
    const std::string expected = content_of(LedgerReader(folder / "sound.sqlite"));
    const auto file = folder / "cut.sqlite";

    for (std::size_t size = 1; size < sound.size(); size += size < 200 ? 33 : 3'001) {
      CAPTURE(size);
      write_bytes(file, sound.substr(0, size));

      const Fate fate = fate_of(file, expected);

      CHECK((fate == Fate::Refused || fate == Fate::Found));
    }
  }

  TEST_CASE("a writer on a damaged file throws or works, and never crashes") {
    TemporaryFolder folder;
    const std::string sound = sound_ledger(folder);
    const auto file = folder / "damaged.sqlite";
    std::mt19937_64 random(4);
    int refused = 0;

    for (int round = 0; round < 60; ++round) {
      std::string bytes = sound;
      for (int i = 0; i < 64; ++i) bytes[random() % bytes.size()] = char(random());
      write_bytes(file, bytes);
      CAPTURE(round);
      try {
        storage::LedgerWriter writer(file);
        const int64_t run = writer.create_run(sample_run(), {sample_problem()});
        writer.intend(run, sample_intent("generator/0"), nullptr);
        writer.answer(run, "generator/0", sample_answer("x"), {}, {}, nullptr);
        writer.flush();
      } catch (const std::exception&) {
        ++refused;
      }
      for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(file.string() + suffix);
    }
    CHECK(refused > 10);
  }

  TEST_CASE("a garbage log beside a ledger is ignored") {
    TemporaryFolder folder;
    sound_ledger(folder);
    const auto file = folder / "sound.sqlite";
    const std::string expected = content_of(LedgerReader(file));
    write_bytes(file.string() + "-wal", std::string(100'000, '\x5a'));

    CHECK(fate_of(file, expected) == Fate::Unchanged);
    CHECK_NOTHROW(storage::LedgerWriter{file});
    CHECK(fate_of(file, expected) == Fate::Unchanged);
  }
}

TEST_SUITE("slow/storage/damage") {
  TEST_CASE("thousands of flipped files are refused or found, or changed nothing that decides") {
    CHECK(flip_and_read(2'000, 5) > 500);
  }
}
