#include "apps/inputs.h"

#include <fmt/format.h>
#include <algorithm>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "apps/exit.h"
#include "apps/model_sampling.h"
#include "text/words.h"

namespace apps {
namespace {

constexpr std::size_t kFilesMax = 10'000;

struct Range {
  std::size_t first = 1;
  std::size_t last = SIZE_MAX;
};

Range read_range(const std::string& text) {
  if (text.empty()) return {};
  Range range;
  const char* end = text.data() + text.size();
  const auto number = [&](const char* begin, std::size_t& value) {
    return std::from_chars(begin, end, value).ptr;
  };
  std::size_t a = 0;
  std::size_t b = 0;
  const char* after = number(text.data(), a);
  if (after == end && a > 0) {
    range.last = a;
    return range;
  }
  if (after != text.data() && after != end && *after == '-' && number(after + 1, b) == end &&
      a > 0 && b >= a)
    return {a, b};
  throw Exit(ExitCode::Usage,
             fmt::format("--limit is '{}', but must be a count such as 10 or a range such as 10-20",
                         text));
}

std::string metadata_json(const formats::Submission& row) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  for (const formats::Field& field : row.problem.metadata) json[field.name] = field.value.text;
  if (!row.problem.answer.empty()) json["answer"] = row.problem.answer;
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

void choose(std::vector<formats::Submission>& rows, const InputFlags& flags) {
  if (!flags.ids.empty()) {
    std::vector<std::string> known;
    for (const formats::Submission& row : rows) known.push_back(row.id);
    for (const std::string& id : flags.ids)
      if (std::find(known.begin(), known.end(), id) == known.end()) {
        const auto near = text::nearest(id, known);
        throw Exit(ExitCode::Usage, fmt::format("--id {}: no row has this id{}", id,
                                                near ? "; did you mean " + *near + "?" : ""));
      }
    std::erase_if(rows, [&](const formats::Submission& row) {
      return std::find(flags.ids.begin(), flags.ids.end(), row.id) == flags.ids.end();
    });
  }
  const Range range = read_range(flags.limit);
  if (range.last < rows.size()) rows.resize(range.last);
  if (range.first > 1)
    rows.erase(rows.begin(), rows.begin() + long(std::min(range.first - 1, rows.size())));
}

// Statements that occur several times are one problem of the run.
void add_item(Job& job, std::map<std::string, std::shared_ptr<const pipeline::Problem>>& known,
              const std::string& name, std::shared_ptr<const pipeline::Problem> problem,
              const formats::Submission& row, formats::Need need) {
  auto& entry = known[problem->sha256];
  if (!entry) {
    entry = problem;
    job.problems.push_back(problem_row(*problem, int64_t(job.problems.size()),
                                       formats::to_text(row.problem.place), metadata_json(row)));
  }
  pipeline::Item item;
  item.name = name;
  item.problem = entry;
  if (need == formats::Need::Proof) item.proof = std::make_shared<const std::string>(row.proof);
  job.items.push_back(std::move(item));
}

void read_file(const std::string& file, const InputFlags& flags, formats::Need need,
               Inputs& inputs) {
  formats::ReadOptions options;
  options.need = need;
  try {
    if (!flags.map.empty()) options.mapping = formats::parse_mapping(flags.map);
    if (flags.first_of_duplicates) options.duplicates = formats::Duplicates::KeepFirst;
    formats::Table table = formats::read_table(file, options);
    if (!table.choices.list.empty()) {
      std::string note = file + ":";
      if (!table.choices.known_as.empty()) note += " " + table.choices.known_as + ",";
      for (const formats::Choice& choice : table.choices.list)
        note += " " + formats::to_text(choice) + ";";
      note.pop_back();
      inputs.notes.push_back(std::move(note));
    }
    for (const formats::RowError& error : table.errors)
      inputs.unusable.push_back(formats::to_text(error));
    for (const formats::RowError& error : table.dropped)
      inputs.notes.push_back(formats::to_text(error));
    for (formats::Submission& row : table.rows) inputs.rows.push_back(std::move(row));
  } catch (const formats::FormatError& error) {
    throw Exit(ExitCode::Usage, error.what());
  }
}

void refuse_equal_ids(const std::vector<formats::Submission>& rows, formats::Need need) {
  std::map<std::string, const formats::Submission*> seen;
  for (const formats::Submission& row : rows) {
    const std::string name = need == formats::Need::Proof ? row.problem.id + '\n' + row.id : row.id;
    const auto [place, fresh] = seen.emplace(name, &row);
    if (!fresh)
      throw Exit(ExitCode::Usage,
                 fmt::format("the id '{}' occurs at {} and at {}; give them different ids, or keep "
                             "the first with --dedup",
                             row.id, formats::to_text(place->second->problem.place),
                             formats::to_text(row.problem.place)));
  }
}

}  // namespace

std::shared_ptr<InputFlags> add_input_flags(CLI::App& command, formats::Need need) {
  auto flags = std::make_shared<InputFlags>();
  command
      .add_option("files", flags->files,
                  need == formats::Need::Proof
                      ? "proofs to grade: .jsonl, .csv, .json, .md, .tex or - for standard input"
                      : "problems: .md, .txt, .tex, .jsonl, .csv, .json, a folder, or - for "
                        "standard input")
      ->type_name("FILE")
      ->expected(0, int(kFilesMax));
  command.add_option("--map", flags->map, "columns, as in question=problem,id=name")
      ->type_name("OURS=THEIRS,...")
      ->group("Input");
  command.add_option("--id", flags->ids, "only the row with this id; may be repeated")
      ->type_name("ID")
      ->take_all()
      ->expected(1)
      ->group("Input");
  command.add_option("--limit", flags->limit, "only the first N rows, or rows A-B")
      ->type_name("N|A-B")
      ->group("Input");
  command.add_flag("--dedup", flags->first_of_duplicates, "of rows with equal ids keep the first")
      ->group("Input");
  if (need == formats::Need::Proof)
    command
        .add_option("--rubric", flags->rubric,
                    "file with a grading scheme for every submission that has none")
        ->type_name("FILE")
        ->group("Input");
  command.add_option("--resume", flags->resume, "go on with this run, with its own inputs")
      ->type_name("RUN")
      ->group("Input");
  return flags;
}

Inputs read_inputs(const InputFlags& flags, formats::Need need, const Spelling& spelling) {
  if (flags.files.empty())
    throw Exit(ExitCode::Usage, "name a file to read, or - for standard input");
  Inputs inputs;
  for (const std::string& file : flags.files) read_file(file, flags, need, inputs);
  choose(inputs.rows, flags);
  refuse_equal_ids(inputs.rows, need);
  if (inputs.rows.empty())
    throw Exit(ExitCode::Usage,
               inputs.unusable.empty()
                   ? "the input holds no row"
                   : "the input holds no usable row; the first: " + inputs.unusable.front());
  std::string rubric;
  try {
    if (!flags.rubric.empty()) rubric = formats::read_file(flags.rubric);
  } catch (const formats::FormatError& error) {
    throw Exit(ExitCode::Usage, error.what());
  }
  std::map<std::string, std::shared_ptr<const pipeline::Problem>> known;
  const bool grading = need == formats::Need::Proof;
  for (const formats::Submission& row : inputs.rows) {
    // A proof is never judged by what the model that writes proofs must not see, and the reverse:
    // reference and rubric reach the verifier only.
    auto problem =
        make_problem(row.problem.id, spelling(row), grading ? row.problem.reference : "",
                     grading ? (row.problem.rubric.empty() ? rubric : row.problem.rubric) : "");
    add_item(inputs.job, known, row.id, std::move(problem), row, need);
  }
  inputs.job.kind = grading ? "grade" : "solve";
  return inputs;
}

Inputs inputs_of_run(const storage::LedgerReader& reader, const storage::RunRow& run) {
  Inputs inputs;
  inputs.job.kind = run.kind;
  inputs.job.problems = reader.problems(run.id);
  std::map<std::string, std::shared_ptr<const pipeline::Problem>> known;
  for (const storage::ProblemRow& row : inputs.job.problems) {
    auto problem =
        make_problem(row.name, row.statement, row.reference.value_or(""), row.rubric.value_or(""));
    if (run.kind == "solve") inputs.job.items.push_back({row.name, problem, nullptr});
    known[problem->sha256] = std::move(problem);
  }
  if (run.kind == "solve") return inputs;
  std::vector<storage::ProofRow> proofs = reader.proofs(run.id);
  std::sort(proofs.begin(), proofs.end(),
            [](const storage::ProofRow& a, const storage::ProofRow& b) { return a.slot < b.slot; });
  for (const storage::ProofRow& row : proofs) {
    const auto problem = known.find(row.problem_sha256);
    if (problem == known.end()) continue;
    inputs.job.items.push_back({pipeline::submission_name(row), problem->second,
                                std::make_shared<const std::string>(row.text)});
  }
  return inputs;
}

std::shared_ptr<RunFlags> add_run_flags(CLI::App& command, formats::Need need) {
  auto flags = std::make_shared<RunFlags>();
  flags->inputs = add_input_flags(command, need);
  flags->settings = add_setting_flags(
      command, {"Model", "Sampling", "Engine", "Loop", "Limits", "Storage", "Output"});
  command.add_flag("--fork", flags->fork, "start a new run beside one with the same inputs")
      ->group("Storage");
  command.add_flag("--retry-failed", flags->retry_failed, "ask again for what had failed for good")
      ->group("Storage");
  command
      .add_flag("--anyway", flags->anyway,
                "ask a model of the built-in domain also what it was not taught")
      ->group("Input");
  command
      .add_flag("--show-config", flags->show_config, "print every setting and where it comes from")
      ->group("Output");
  return flags;
}

ConductOptions conduct_options(const RunFlags& flags) {
  return {flags.fork ? pipeline::Fork::Yes : pipeline::Fork::No, flags.retry_failed};
}

LoadedRun load_run(const RunFlags& flags, formats::Need need, const Environment& environment) {
  LoadedRun loaded;
  loaded.settings = resolve(*flags.settings, environment);
  const int64_t wanted = flags.inputs->resume;
  if (wanted == 0) {
    take_models_advice(loaded.settings);
    const auto outside = flags.anyway ? OutsideDomain::Ask : OutsideDomain::Refuse;
    if (!flags.show_config)
      loaded.inputs = read_inputs(*flags.inputs, need, choose_spelling(loaded.settings, outside));
    return loaded;
  }
  const std::string_view kind = need == formats::Need::Proof ? "grade" : "solve";
  const auto reader = open_reader(make_config(loaded.settings, environment).ledger);
  const auto run = reader->run(wanted);
  if (!run || run->kind != kind)
    throw Exit(ExitCode::Usage, fmt::format("there is no run {} of `{}` in this ledger; "
                                            "`elenchus runs list` shows them",
                                            wanted, kind));
  loaded.settings = resolve_over(*flags.settings, environment, *run);
  loaded.inputs = inputs_of_run(*reader, *run);
  return loaded;
}

void say_notes(const Inputs& inputs) {
  for (const std::string& note : inputs.notes) fmt::print(stderr, "{}\n", note);
  for (const std::string& row : inputs.unusable) fmt::print(stderr, "left out: {}\n", row);
}

}  // namespace apps
