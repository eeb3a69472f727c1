#include "prompts/template_tree.h"

#include <algorithm>
#include <optional>
#include <set>
#include <stdexcept>
#include <utility>

#include "text/utf8.h"
#include "text/words.h"

namespace prompts {
namespace {

constexpr std::size_t kNameCharactersMax = 32;
constexpr std::size_t kTexGroupsMax = 8;     // arguments of one command
constexpr std::size_t kGroupBytesMax = 256;  // length of such an argument

// What each of the four templates must have and may have.
struct Schema {
  std::string_view name;
  std::vector<std::string> needed;  // places; sections with a leading '#'
  std::vector<std::string> known;   // further places
};

const Schema& schema_of(std::string_view name) {
  static const std::vector<Schema> schemas{
      {"generate", {"problem"}, {}},
      {"verify", {"problem", "proof"}, {"reference", "rubric"}},
      {"meta_verify", {"problem", "proof", "evaluation"}, {"reference", "rubric"}},
      {"refine", {"problem", "#candidate", "proof", "#analysis", "analysis"}, {"number"}},
  };
  for (const Schema& schema : schemas)
    if (schema.name == name) return schema;
  throw std::logic_error("there is no template \"" + std::string(name) + "\"");
}

struct Tag {
  char sigil = 0;  // '?', '#', '/', '=', or 0 for a place
  std::string name;
  std::size_t begin = 0;
  std::size_t end = 0;  // behind the closing brace
};

bool is_small(char c) { return c >= 'a' && c <= 'z'; }
bool is_ascii_letter(char c) { return is_small(c) || (c >= 'A' && c <= 'Z'); }

// Where the group that ends at `end` (behind its closing brace) opens; npos if not near.
std::size_t group_begin(std::string_view text, std::size_t end) {
  std::size_t depth = 0;
  for (std::size_t at = end; at > 0 && end - at < kGroupBytesMax; --at) {
    if (text[at - 1] == '}') ++depth;
    if (text[at - 1] == '{' && --depth == 0) return at - 1;
  }
  return std::string_view::npos;
}

// Whether the brace at `at` opens an argument or a script of TeX: right behind a command, behind
// `_`, `^` or a backslash, or behind the argument before it.
bool is_tex_brace(std::string_view text, std::size_t at) {
  for (std::size_t groups = 0; groups < kTexGroupsMax && at > 0; ++groups) {
    const char before = text[at - 1];
    if (before == '_' || before == '^' || before == '\\') return true;
    if (before == '}') {
      at = group_begin(text, at);
      if (at == std::string_view::npos) return false;
      continue;
    }
    std::size_t letter = before == '*' ? at - 1 : at;  // \operatorname*{..}
    while (letter > 0 && is_ascii_letter(text[letter - 1])) --letter;
    return letter < at && letter > 0 && text[letter - 1] == '\\';
  }
  return false;
}

class Parser {
 public:
  Parser(const Schema& schema, std::string_view text, std::string_view file)
      : schema_(schema), text_(text), file_(file) {
    known_ = schema.known;
    for (const std::string& needed : schema.needed)
      known_.push_back(needed.starts_with('#') ? needed.substr(1) : needed);
  }

  std::vector<TemplateNode> parse() {
    std::vector<TemplateNode> nodes = parse_until({});
    for (const std::string& needed : schema_.needed)
      if (!seen_.contains(needed))
        throw std::runtime_error(std::string(file_) + ": the place {" + needed + "} is missing");
    return nodes;
  }

 private:
  // Sections may not stand in themselves, so the depth is at most the number of names.
  std::vector<TemplateNode> parse_until(const Tag& opened) {
    std::vector<TemplateNode> nodes;
    while (const auto tag = next_tag()) {
      const auto [text_end, next] = cut_around(*tag);
      add_text(nodes, text_.substr(at_, text_end - at_));
      at_ = next;
      if (tag->sigil == '/') {
        if (opened.name.empty() || tag->name != opened.name)
          fail(tag->begin, "{/" + tag->name + "} closes a section that is not open");
        return nodes;
      }
      nodes.push_back(node_of(*tag));
    }
    if (!opened.name.empty())
      fail(opened.begin, std::string("the section {") + opened.sigil + opened.name +
                             "} is not closed: {/" + opened.name + "} is missing");
    add_text(nodes, text_.substr(at_));
    at_ = text_.size();
    return nodes;
  }

  TemplateNode node_of(const Tag& tag) {
    if (tag.sigil == 0 || tag.sigil == '=') return place_of_tag(tag);
    const bool repeated = tag.sigil == '#';
    if (repeated != (tag.name == "candidate" || tag.name == "analysis") || tag.name == "number")
      fail(tag.begin, std::string("there is no section {") + tag.sigil + tag.name + "}");
    if (open_.contains(tag.name)) fail(tag.begin, "the section " + tag.name + " stands in itself");
    if (tag.name == "analysis" && !open_.contains("candidate"))
      fail(tag.begin, "{#analysis} stands outside {#candidate}");
    if (repeated) seen_.insert("#" + tag.name);

    open_.insert(tag.name);
    TemplateNode node{
        repeated ? TemplateNode::Kind::Repeated : TemplateNode::Kind::Optional, tag.name, {}};
    if (!repeated) ++optional_;
    node.children = parse_until(tag);
    if (!repeated) --optional_;
    open_.erase(tag.name);
    return node;
  }

  TemplateNode place_of_tag(const Tag& tag) {
    const bool in_candidate = open_.contains("candidate");
    if (tag.name == "candidate")
      fail(tag.begin, "{candidate} is a section: {#candidate} ... {/candidate}");
    if (tag.name == "number") {
      if (!in_candidate) fail(tag.begin, "{number} stands outside {#candidate}");
      if (tag.sigil == '=') fail(tag.begin, "write {number}: it is ours and has no fence");
      return {TemplateNode::Kind::Counter, tag.name, {}};
    }
    if (tag.name == "analysis" && !open_.contains("analysis"))
      fail(tag.begin, "{analysis} stands outside {#analysis}");
    if (tag.name == "proof" && schema_.name == "refine" && !in_candidate)
      fail(tag.begin, "{proof} stands outside {#candidate}");
    if ((tag.name == "reference" || tag.name == "rubric") && !open_.contains(tag.name))
      fail(tag.begin, "{" + tag.name + "} may be absent: write {?" + tag.name + "} ... {/" +
                          tag.name + "} around it");
    if (optional_ == 0) seen_.insert(tag.name);  // else it may be dropped
    return {
        tag.sigil == '=' ? TemplateNode::Kind::BarePlace : TemplateNode::Kind::Place, tag.name, {}};
  }

  // The next tag at or behind at_; ordinary braces are passed over.
  std::optional<Tag> next_tag() {
    for (std::size_t brace = text_.find('{', scan_); brace != std::string_view::npos;
         brace = text_.find('{', brace + 1)) {
      const auto tag = tag_at(brace);
      if (!tag) continue;
      scan_ = tag->end;
      return tag;
    }
    return std::nullopt;
  }

  std::optional<Tag> tag_at(std::size_t brace) {
    Tag tag{.sigil = 0, .name = {}, .begin = brace, .end = brace};
    std::size_t at = brace + 1;
    if (at < text_.size() && std::string_view("?#/=").find(text_[at]) != std::string_view::npos)
      tag.sigil = text_[at++];
    const std::size_t name = at;
    while (at < text_.size() && (is_small(text_[at]) || text_[at] == '_') &&
           at - name <= kNameCharactersMax)
      ++at;
    tag.name = text_.substr(name, at - name);
    tag.end = at + 1;
    const bool closed = at < text_.size() && text_[at] == '}';
    if (!closed || tag.name.size() < 2 || tag.name.size() > kNameCharactersMax) return std::nullopt;
    if (tag.sigil == 0 && is_tex_brace(text_, brace)) return std::nullopt;
    if (std::find(known_.begin(), known_.end(), tag.name) == known_.end()) fail_unknown(tag);
    return tag;
  }

  // Where the text before the tag ends and the text behind it begins: a section's tag that is
  // alone on its line takes the line with it.
  std::pair<std::size_t, std::size_t> cut_around(const Tag& tag) const {
    std::size_t line = tag.begin;
    while (line > at_ && (text_[line - 1] == ' ' || text_[line - 1] == '\t')) --line;
    const bool first = line == 0 || text_[line - 1] == '\n';
    std::size_t next = tag.end;
    while (next < text_.size() &&
           (text_[next] == ' ' || text_[next] == '\t' || text_[next] == '\r'))
      ++next;
    const bool last = next == text_.size() || text_[next] == '\n';
    if (tag.sigil == 0 || tag.sigil == '=' || !first || !last) return {tag.begin, tag.end};
    return {line, std::min(next + 1, text_.size())};
  }

  static void add_text(std::vector<TemplateNode>& nodes, std::string_view text) {
    if (!text.empty()) nodes.push_back({TemplateNode::Kind::Text, std::string(text), {}});
  }

  [[noreturn]] void fail_unknown(const Tag& tag) const {
    std::string message =
        "unknown place {" + (tag.sigil ? std::string(1, tag.sigil) : "") + tag.name + "}";
    if (const auto meant = text::nearest(tag.name, known_))
      message += "; did you mean \"" + *meant + "\"?";
    else if (tag.sigil == 0)
      message += "; write { " + tag.name + " } if it is not meant as a place";
    fail(tag.begin, message);
  }

  [[noreturn]] void fail(std::size_t offset, const std::string& what) const {
    throw std::runtime_error(std::string(file_) + ", line " +
                             std::to_string(text::place_of(text_, offset).line) + ": " + what);
  }

  const Schema& schema_;
  std::string_view text_;
  std::string_view file_;
  std::vector<std::string> known_;
  std::set<std::string> seen_;
  std::set<std::string> open_;
  std::size_t at_ = 0;        // text before it stands in a node
  std::size_t scan_ = 0;      // tags before it were read
  std::size_t optional_ = 0;  // optional sections that are open
};

}  // namespace

std::vector<TemplateNode> parse_template(std::string_view name, std::string_view text,
                                         std::string_view file) {
  return Parser(schema_of(name), text, file).parse();
}

}  // namespace prompts
