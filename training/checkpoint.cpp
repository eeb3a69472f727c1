#include "training/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <fstream>
#include <system_error>

#include "training/atomic_file.h"

// The state's file, little-endian:
//
//   magic      8 bytes   "ELENSTAT"
//   version    u32, then u32 of zeros
//   bytes      u64       of the whole file
//   configuration  32 bytes
//   steps of the run, of the optimiser, tokens   i64
//   sizes      u64       bytes of the stage, counters, numbers of an arena
//   stage, counters, weights, first moments, second moments
//   checksum   32 bytes  SHA-256 of everything before
//
// Tested in tests/training/checkpoint_test.cpp.

namespace training {

namespace {

static_assert(std::endian::native == std::endian::little, "states are little-endian");

constexpr std::string_view kMagic = "ELENSTAT";
constexpr std::string_view kPrefix = "state-", kEnding = ".bin";
constexpr std::size_t kStepDigits = 12;
constexpr std::size_t kFilesMax = 1 << 16;  // of a folder that are looked at

struct Header {
  char magic[8] = {};
  uint32_t version = kStateVersion;
  uint32_t zeros = 0;
  uint64_t bytes = 0;
  text::Digest configuration = {};
  int64_t step = 0, optimiser_step = 0, tokens = 0;
  uint64_t stage_bytes = 0, counters = 0, numbers = 0;
};
static_assert(sizeof(Header) == 8 + 4 + 4 + 8 + 32 + 24 + 24, "no padding");

constexpr std::size_t kChecksumBytes = sizeof(text::Digest);

// Of a header whose sizes were checked.
uint64_t whole_bytes(const Header& h) {
  return sizeof(Header) + h.stage_bytes + h.counters * sizeof(uint64_t) +
         3 * h.numbers * sizeof(float) + kChecksumBytes;
}

bool sizes_are_possible(const Header& h) {
  return h.stage_bytes <= kStageBytesMax && h.counters <= kCountersMax &&
         h.numbers <= kStateBytesMax / (3 * sizeof(float)) && h.step >= 0;
}

template <class T>
void append(std::string& to, const std::vector<T>& numbers) {
  if (numbers.empty()) return;
  to.append(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(T));
}

template <class T>
std::vector<T> take(std::string_view& from, std::size_t count) {
  std::vector<T> numbers(count);
  if (count > 0) std::memcpy(numbers.data(), from.data(), count * sizeof(T));
  from.remove_prefix(count * sizeof(T));
  return numbers;
}

std::string_view digest_bytes(const text::Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

std::string read_state(const std::filesystem::path& file) {
  std::error_code error;
  const uint64_t bytes = std::filesystem::file_size(file, error);
  if (error)
    throw StateRefused(fmt::format("the state {} cannot be read ({}): name another file",
                                   file.string(), error.message()));
  if (bytes > kStateBytesMax)
    throw StateRefused(
        fmt::format("the state {} has {} bytes, more than the {} that can be: name "
                    "another file",
                    file.string(), bytes, kStateBytesMax));
  std::string whole(bytes, '\0');
  std::ifstream stream(file, std::ios::binary);
  if (!stream.read(whole.data(), std::streamsize(bytes)))
    throw StateRefused(fmt::format(
        "the state {} cannot be read to its end: check the disk, or go on from an earlier state",
        file.string()));
  return whole;
}

// The header of a file that is whole. What is known from a version comes before what depends on it.
Header checked_header(const std::filesystem::path& file, std::string_view whole) {
  const auto refuse = [&](const std::string& what) {
    throw StateRefused(fmt::format("the state {} {}", file.string(), what));
  };
  constexpr const char* kGoOn = "delete it and go on from an earlier state";
  if (!whole.starts_with(kMagic.substr(0, std::min(whole.size(), kMagic.size()))))
    refuse("is no state of a training run: name another file");
  if (whole.size() < sizeof(Header) + kChecksumBytes)
    refuse(fmt::format("is cut short, {} bytes are left: {}", whole.size(), kGoOn));
  Header h;
  std::memcpy(&h, whole.data(), sizeof h);
  if (h.version > kStateVersion)
    refuse(
        fmt::format("has version {}, and this program knows versions up to {}: use the newer "
                    "program that wrote it",
                    h.version, kStateVersion));
  if (h.version == 0) refuse(fmt::format("has version 0, which does not exist: {}", kGoOn));
  if (h.bytes != whole.size())
    refuse(fmt::format("has {} bytes where it says {}, so it is cut short or damaged: {}",
                       whole.size(), h.bytes, kGoOn));
  const std::string_view sum = whole.substr(whole.size() - kChecksumBytes);
  if (digest_bytes(text::sha256(whole.substr(0, whole.size() - kChecksumBytes))) != sum)
    refuse(fmt::format("has a wrong checksum, so it is damaged: {}", kGoOn));
  if (!sizes_are_possible(h) || whole_bytes(h) != h.bytes)
    refuse(fmt::format("has parts that do not fill it: {}", kGoOn));
  return h;
}

std::optional<int64_t> step_of(const std::filesystem::path& file) {
  const std::string name = file.filename().string();
  if (!name.starts_with(kPrefix) || !name.ends_with(kEnding)) return std::nullopt;
  const char* begin = name.data() + kPrefix.size();
  const char* end = name.data() + name.size() - kEnding.size();
  int64_t step = 0;
  const auto [stop, error] = std::from_chars(begin, end, step);
  if (begin >= end || error != std::errc() || stop != end || step < 0) return std::nullopt;
  return step;
}

}  // namespace

std::vector<std::filesystem::path> saved_states(const std::filesystem::path& directory) {
  std::vector<std::pair<int64_t, std::filesystem::path>> found;
  if (!std::filesystem::is_directory(directory)) return {};
  std::size_t seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (++seen > kFilesMax)
      throw std::runtime_error(
          fmt::format("{} holds more than {} files: keep states in a folder of their own",
                      directory.string(), kFilesMax));
    if (const auto step = step_of(entry.path())) found.emplace_back(*step, entry.path());
  }
  std::sort(found.rbegin(), found.rend());
  std::vector<std::filesystem::path> files;
  for (auto& [step, file] : found) files.push_back(std::move(file));
  return files;
}

std::filesystem::path save_state(const std::filesystem::path& directory,
                                 const TrainingState& state) {
  const OptimiserState& optimiser = state.optimiser;
  const std::size_t numbers = state.weights.size();
  if (optimiser.first.size() != numbers || optimiser.second.size() != numbers)
    throw std::logic_error("a state's arenas differ in size");
  Header header{.configuration = state.configuration,
                .step = state.step,
                .optimiser_step = optimiser.step,
                .tokens = state.tokens,
                .stage_bytes = state.stage.size(),
                .counters = state.counters.size(),
                .numbers = numbers};
  std::memcpy(header.magic, kMagic.data(), kMagic.size());
  if (!sizes_are_possible(header) || whole_bytes(header) > kStateBytesMax)
    throw std::logic_error("a state is larger than its limits");
  header.bytes = whole_bytes(header);

  std::string whole;
  whole.reserve(header.bytes);
  whole.append(reinterpret_cast<const char*>(&header), sizeof header);
  whole += state.stage;
  append(whole, state.counters);
  append(whole, state.weights);
  append(whole, optimiser.first);
  append(whole, optimiser.second);
  whole += digest_bytes(text::sha256(whole));

  std::filesystem::create_directories(directory);
  const std::filesystem::path file =
      directory / fmt::format("{}{:0{}}{}", kPrefix, state.step, kStepDigits, kEnding);
  const std::string_view parts[] = {whole};
  write_atomically(file, parts);

  const std::vector<std::filesystem::path> states = saved_states(directory);
  for (std::size_t i = kStatesKept; i < states.size(); ++i) {
    std::error_code ignored;  // one state too many does no harm
    if (states[i] != file) std::filesystem::remove(states[i], ignored);
  }
  return file;
}

TrainingState load_state(const std::filesystem::path& file, const text::Digest& configuration,
                         std::size_t numbers) {
  const std::string whole = read_state(file);
  const Header header = checked_header(file, whole);
  if (header.configuration != configuration)
    throw StateRefused(
        fmt::format("the state {} belongs to another configuration ({:.12}, not {:.12}): go on "
                    "with the settings it was made with, or start in another folder",
                    file.string(), text::to_hex(digest_bytes(header.configuration)),
                    text::to_hex(digest_bytes(configuration))));
  if (header.numbers != numbers)
    throw StateRefused(
        fmt::format("the state {} holds {} numbers where this model has {}: go on with the model "
                    "it was made with, or start in another folder",
                    file.string(), header.numbers, numbers));

  TrainingState state;
  std::string_view rest = std::string_view(whole).substr(sizeof(Header));
  state.configuration = header.configuration;
  state.step = header.step;
  state.tokens = header.tokens;
  state.stage = rest.substr(0, header.stage_bytes);
  rest.remove_prefix(header.stage_bytes);
  state.counters = take<uint64_t>(rest, header.counters);
  state.weights = take<float>(rest, numbers);
  state.optimiser.step = header.optimiser_step;
  state.optimiser.first = take<float>(rest, numbers);
  state.optimiser.second = take<float>(rest, numbers);
  return state;
}

}  // namespace training
