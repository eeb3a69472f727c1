#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "model/checkpoint.h"
#include "model/files.h"

namespace model {
namespace {

using nlohmann::json;

constexpr std::size_t kLengthBytes = 8;  // the header's length stands before it

// Reads {"NAME": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...} as it is parsed,
// so that no tree of a strange header is ever built. "__metadata__" may hold texts.
class HeaderEvents : public nlohmann::json_sax<json> {
 public:
  explicit HeaderEvents(std::string_view file) : file_(file) {}

  std::vector<HeaderEntry> take() { return std::move(entries_); }

  bool start_object(std::size_t) override {
    if (place_ == Place::Begin)
      place_ = Place::Names;
    else if (place_ == Place::Entry)
      place_ = Place::Fields;
    else if (place_ == Place::Metadata)
      place_ = Place::Texts;
    else
      unexpected("an object");
    return true;
  }
  bool end_object() override {
    if (place_ == Place::Fields) finish_entry();
    place_ = place_ == Place::Names ? Place::End : Place::Names;
    return true;
  }
  bool start_array(std::size_t) override {
    if (place_ == Place::Shape)
      place_ = Place::ShapeNumbers;
    else if (place_ == Place::Offsets)
      place_ = Place::OffsetNumbers;
    else
      unexpected("a list");
    return true;
  }
  bool end_array() override {
    place_ = Place::Fields;
    return true;
  }
  bool key(string_t& name) override {
    if (place_ == Place::Names)
      start_entry(name);
    else if (place_ == Place::Fields)
      start_field(name);
    return true;  // names of metadata do not matter
  }
  bool string(string_t& text) override {
    if (place_ == Place::Texts) return true;
    if (place_ != Place::Type) unexpected("a text");
    if (bytes_of_type(text) == 0)
      refuse("has the type " + in_quotes(text) + ", which is not supported");
    entries_.back().type = text;
    place_ = Place::Fields;
    return true;
  }
  bool number_unsigned(number_unsigned_t number) override {
    HeaderEntry* entry = entries_.empty() ? nullptr : &entries_.back();
    if (place_ == Place::ShapeNumbers) {
      if (number > uint64_t(std::numeric_limits<int64_t>::max()))
        refuse("has a shape with " + std::to_string(number));
      if (entry->shape.size() == Checkpoint::kRankMax)
        refuse("has more than " + std::to_string(Checkpoint::kRankMax) + " dimensions");
      entry->shape.push_back(int64_t(number));
    } else if (place_ == Place::OffsetNumbers) {
      if (offsets_ == 2) refuse("has more than two data_offsets");
      (offsets_++ == 0 ? entry->begin : entry->end) = number;
    } else {
      unexpected("a number");
    }
    return true;
  }
  bool null() override { unexpected("null"); }
  bool boolean(bool) override { unexpected("true or false"); }
  bool number_integer(number_integer_t) override { unexpected("a negative number"); }
  bool number_float(number_float_t, const string_t&) override { unexpected("a broken number"); }
  bool binary(binary_t&) override { unexpected("bytes"); }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    throw Refused(std::string(file_) + ": the header is not JSON at its byte " +
                  std::to_string(position));
  }

 private:
  enum class Place {
    Begin,
    Names,
    Entry,
    Fields,
    Type,
    Shape,
    ShapeNumbers,
    Offsets,
    OffsetNumbers,
    Metadata,
    Texts,
    End,
  };

  void start_entry(const std::string& name) {
    if (name == "__metadata__") {
      if (metadata_) throw Refused(std::string(file_) + ": the header has __metadata__ twice");
      metadata_ = true;
      place_ = Place::Metadata;
      return;
    }
    if (entries_.size() == Checkpoint::kTensorsMax)
      throw Refused(std::string(file_) + " has more than " +
                    std::to_string(Checkpoint::kTensorsMax) + " tensors");
    if (name.size() > Checkpoint::kNameBytesMax)
      throw Refused(std::string(file_) + ": the name of tensor " + in_quotes(name) +
                    " is longer than " + std::to_string(Checkpoint::kNameBytesMax) + " bytes");
    entries_.emplace_back().name = name;
    seen_ = {};
    offsets_ = 0;
    place_ = Place::Entry;
  }

  void start_field(const std::string& name) {
    static constexpr std::array<std::string_view, 3> kFields = {"dtype", "shape", "data_offsets"};
    static constexpr std::array<Place, 3> kPlaces = {Place::Type, Place::Shape, Place::Offsets};
    const std::size_t field = std::size_t(std::ranges::find(kFields, name) - kFields.begin());
    if (field == kFields.size()) refuse("has a field " + in_quotes(name) + ", which is not known");
    if (seen_[field]) refuse("has the field " + name + " twice");
    seen_[field] = true;
    place_ = kPlaces[field];
  }

  void finish_entry() {
    if (!seen_[0] || !seen_[1] || !seen_[2] || offsets_ != 2)
      refuse("lacks its dtype, its shape or its two data_offsets");
  }

  // Of the tensor that is being read.
  [[noreturn]] void refuse(const std::string& sentence) const {
    throw Refused(std::string(file_) + ": tensor " + in_quotes(entries_.back().name) + " " +
                  sentence);
  }
  [[noreturn]] void unexpected(const std::string& what) const {
    const bool in_tensor = place_ != Place::Begin && place_ != Place::Names &&
                           place_ != Place::Metadata && place_ != Place::Texts &&
                           place_ != Place::End;
    if (in_tensor) refuse("has " + what + " where the format has none");
    throw Refused(std::string(file_) + ": the header has " + what + " where the format has none");
  }

  std::string_view file_;
  std::vector<HeaderEntry> entries_;
  Place place_ = Place::Begin;
  std::array<bool, 3> seen_ = {};
  int offsets_ = 0;
  bool metadata_ = false;
};

void refuse_equal_names(const std::vector<HeaderEntry>& entries, std::string_view file) {
  std::vector<std::string_view> names;
  names.reserve(entries.size());
  for (const HeaderEntry& entry : entries) names.push_back(entry.name);
  std::ranges::sort(names);
  const auto twice = std::ranges::adjacent_find(names);
  if (twice != names.end())
    throw Refused(std::string(file) + " has the tensor " + in_quotes(*twice) + " twice");
}

// Type and shape say how many bytes there must be.
void check_size(const HeaderEntry& entry, std::string_view file) {
  int64_t bytes = bytes_of_type(entry.type);
  bool overflow = false;
  for (const int64_t extent : entry.shape)
    overflow |= __builtin_mul_overflow(bytes, extent, &bytes);
  if (overflow || entry.end < entry.begin || entry.end - entry.begin != uint64_t(bytes))
    throw Refused(std::string(file) + ": tensor " + in_quotes(entry.name) + " lies at bytes " +
                  std::to_string(entry.begin) + " to " + std::to_string(entry.end) + ", but " +
                  (overflow ? "its shape is beyond all bounds"
                            : "type and shape make " + std::to_string(bytes) + " bytes"));
}

// Every byte behind the header belongs to exactly one tensor: nothing overlaps, nothing hides.
void check_cover(const std::vector<HeaderEntry>& entries, uint64_t data_bytes,
                 std::string_view file) {
  uint64_t covered = 0;
  for (const HeaderEntry& entry : entries) {
    if (entry.begin != covered)
      throw Refused(std::string(file) + ": tensor " + in_quotes(entry.name) + " begins at byte " +
                    std::to_string(entry.begin) + ", but the one before ends at " +
                    std::to_string(covered));
    covered = entry.end;
  }
  if (covered != data_bytes)
    throw Refused(std::string(file) + " has " + std::to_string(data_bytes) +
                  " bytes of tensors, but its header speaks of " + std::to_string(covered) +
                  ": the file is cut or was changed; fetch it again");
}

}  // namespace

int64_t bytes_of_type(std::string_view type) {
  struct Size {
    std::string_view type;
    int64_t bytes;
  };
  static constexpr std::array<Size, 16> kSizes = {{{"BOOL", 1},
                                                   {"U8", 1},
                                                   {"I8", 1},
                                                   {"F8_E4M3", 1},
                                                   {"F8_E5M2", 1},
                                                   {"F8_E8M0", 1},
                                                   {"I16", 2},
                                                   {"U16", 2},
                                                   {"F16", 2},
                                                   {"BF16", 2},
                                                   {"I32", 4},
                                                   {"U32", 4},
                                                   {"F32", 4},
                                                   {"I64", 8},
                                                   {"U64", 8},
                                                   {"F64", 8}}};
  for (const Size& size : kSizes)
    if (size.type == type) return size.bytes;
  return 0;
}

std::vector<HeaderEntry> parse_safetensors_header(std::string_view text, uint64_t file_bytes,
                                                  std::string_view file) {
  if (file_bytes < kLengthBytes || text.size() > file_bytes - kLengthBytes)
    throw Refused(std::string(file) + " is shorter than its header");
  // The library takes a NUL for the end of the text and would not see what stands behind it.
  if (text.empty() || text.front() != '{' || text.find('\0') != std::string_view::npos)
    throw Refused(std::string(file) + ": the header is not a JSON object");
  HeaderEvents events(file);
  json::sax_parse(text, &events);
  std::vector<HeaderEntry> entries = events.take();
  refuse_equal_names(entries, file);
  for (const HeaderEntry& entry : entries) check_size(entry, file);
  std::ranges::sort(entries, [](const HeaderEntry& a, const HeaderEntry& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  check_cover(entries, file_bytes - kLengthBytes - text.size(), file);
  return entries;
}

}  // namespace model
