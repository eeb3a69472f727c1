#include "prompts/template.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <set>
#include <stdexcept>
#include <utility>

#include "prompts/embedded.h"
#include "prompts/fence.h"
#include "prompts/template_tree.h"
#include "text/sha256.h"
#include "text/utf8.h"

namespace prompts {
namespace {

constexpr std::array<std::string_view, 4> kNames{"generate", "verify", "meta_verify", "refine"};

// At most one byte more than a template may have, so that its excess shows.
std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kTemplateBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || (file.fail() && !file.eof()))
    throw std::runtime_error("cannot read the template " + path.string());
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

// Walks a template's tree and writes segments.
class Renderer {
 public:
  Renderer(const std::vector<Part>& parts, std::string_view secret) : secret_(secret) {
    for (const Part& part : parts)
      if (!parts_.emplace(part.name, &part.text).second)
        throw std::logic_error("the part " + part.name + " is given twice");
    check_numbers();
  }

  void write(const std::vector<TemplateNode>& nodes) {
    for (const TemplateNode& node : nodes) switch (node.kind) {
        case TemplateNode::Kind::Text:
          write_ours(node.text);
          break;
        case TemplateNode::Kind::Counter:
          write_ours(std::to_string(analysis_ > 0 ? analysis_ : candidate_));
          break;
        case TemplateNode::Kind::Place:
          write_part(full_name(node.text));
          break;
        case TemplateNode::Kind::BarePlace:
          write_bare_part(node.text);
          break;
        case TemplateNode::Kind::Optional:
          if (parts_.contains(full_name(node.text))) write(node.children);
          break;
        case TemplateNode::Kind::Repeated:
          write_repeated(node);
          break;
      }
  }

  std::vector<Segment> take() && { return std::move(segments_); }

 private:
  std::string full_name(const std::string& name) const {
    const std::string candidate = "candidate." + std::to_string(candidate_) + ".";
    if (name == "analysis") return candidate + "analysis." + std::to_string(analysis_);
    if (name == "proof" && candidate_ > 0) return candidate + "proof";
    return name;
  }

  void write_repeated(const TemplateNode& node) {
    const bool analyses = node.text == "analysis";
    std::size_t& counter = analyses ? analysis_ : candidate_;
    const std::string first = analyses ? "analysis" : "proof";
    for (counter = 1; parts_.contains(full_name(first)); ++counter) write(node.children);
    counter = 0;
  }

  const std::string& text_of(const std::string& name) const {
    const auto part = parts_.find(name);
    if (part == parts_.end()) throw std::logic_error("the part " + name + " is missing");
    return *part->second;
  }

  // An evaluation has been read by its grammar, and what it is made of are our own capital words:
  // breaking them would only hide them from a model that was trained on them.
  void write_bare_part(const std::string& name) {
    const bool evaluation = name == "evaluation" || name == "analysis";
    const std::string& given = text_of(full_name(name));
    std::string text = evaluation ? given : neutralised(given);
    if (text.empty()) return;
    if (line_end_due_) write_ours("\n");
    at_line_start_ = text.back() == '\n';
    segments_.push_back({Trust::Stranger, std::move(text)});
  }

  void write_part(const std::string& name) {
    const Fence fence = fence_of(name, text_of(name), secret_);
    if (!at_line_start_) write_ours("\n");
    write_ours(fence.begin);
    if (!fence.text.empty()) segments_.push_back({Trust::Stranger, fence.text});
    write_ours(fence.end);
    line_end_due_ = true;
  }

  void write_ours(std::string_view text) {
    if (text.empty()) return;
    const std::string gap = line_end_due_ && text[0] != '\n' && text[0] != '\r' ? "\n" : "";
    line_end_due_ = false;
    if (segments_.empty() || segments_.back().trust != Trust::Template)
      segments_.push_back({Trust::Template, {}});
    segments_.back().text.append(gap).append(text);
    at_line_start_ = text.back() == '\n';
  }

  // Every candidate.* must be one that the loops reach.
  void check_numbers() const {
    std::set<std::string, std::less<>> reached;
    for (std::size_t i = 1;; ++i) {
      const std::string candidate = "candidate." + std::to_string(i) + ".";
      if (!parts_.contains(candidate + "proof")) break;
      reached.insert(candidate + "proof");
      for (std::size_t j = 1;; ++j) {
        const std::string analysis = candidate + "analysis." + std::to_string(j);
        if (!parts_.contains(analysis)) break;
        reached.insert(analysis);
      }
    }
    for (const auto& [name, text] : parts_)
      if (name.starts_with("candidate.") && !reached.contains(name))
        throw std::logic_error("the part " + std::string(name) +
                               " is not numbered from 1 without a gap");
  }

  std::string_view secret_;
  std::map<std::string_view, const std::string*> parts_;
  std::vector<Segment> segments_;
  std::size_t candidate_ = 0;  // 0 outside of a section
  std::size_t analysis_ = 0;
  bool at_line_start_ = true;
  bool line_end_due_ = false;  // an END line was written
};

}  // namespace

namespace {

bool has_bare_place(const std::vector<TemplateNode>& nodes) {
  return std::ranges::any_of(nodes, [](const TemplateNode& node) {
    return node.kind == TemplateNode::Kind::BarePlace || has_bare_place(node.children);
  });
}

}  // namespace

Template make_template(std::string_view name, std::string text, std::string_view file) {
  if (text.size() > kTemplateBytesMax)
    throw std::runtime_error(std::string(file) + ": larger than a template may be (" +
                             std::to_string(kTemplateBytesMax) + " bytes)");
  if (const auto invalid = text::find_invalid_utf8(text))
    throw std::runtime_error(std::string(file) + ", line " +
                             std::to_string(text::place_of(text, *invalid).line) + ": not UTF-8");
  const bool unfenced = has_bare_place(parse_template(name, text, file));
  std::string hash = text::sha256_hex(text);
  return {std::string(name), std::move(text), std::move(hash), unfenced};
}

TemplateSet TemplateSet::shipped() {
  TemplateSet set;
  for (const std::string_view name : kNames) {
    const std::string file = std::string(name) + ".md";
    const auto text = embedded_file(file);
    if (!text) throw std::logic_error("the program was built without " + file);
    set.templates_.emplace(name, make_template(name, std::string(*text), file));
  }
  return set;
}

TemplateSet TemplateSet::from_directory(const std::filesystem::path& directory) {
  if (!std::filesystem::is_directory(directory))
    throw std::runtime_error("cannot read templates: there is no directory " + directory.string());
  TemplateSet set = shipped();
  for (const std::string_view name : kNames) {
    const std::filesystem::path path = directory / (std::string(name) + ".md");
    if (std::filesystem::exists(path))
      set.templates_.at(std::string(name)) = make_template(name, read_file(path), path.string());
  }
  return set;
}

const Template& TemplateSet::at(std::string_view name) const {
  const auto found = templates_.find(name);
  if (found == templates_.end())
    throw std::logic_error("there is no template \"" + std::string(name) + "\"");
  return found->second;
}

void TemplateSet::replace(Template source) {
  const auto found = templates_.find(source.name);
  if (found == templates_.end())
    throw std::logic_error("there is no template \"" + source.name + "\"");
  found->second = std::move(source);
}

std::vector<Segment> render(const Template& source, const std::vector<Part>& parts,
                            std::string_view secret) {
  Renderer renderer(parts, secret);
  renderer.write(parse_template(source.name, source.text, source.name + ".md"));
  return std::move(renderer).take();
}

std::string joined(const std::vector<Segment>& segments) {
  std::string text;
  for (const Segment& segment : segments) text += segment.text;
  return text;
}

}  // namespace prompts
