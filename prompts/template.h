#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace prompts {

// A prompt is a template, written by us or by the user, whose places are filled with texts that
// nobody vouches for: problems, proofs, evaluations. The two are kept apart to the end, so that
// whoever encodes the prompt can see to it that a stranger's text stays data (invariant I4).
enum class Trust { Template, Stranger };

struct Segment {
  Trust trust = Trust::Template;
  std::string text;
};

// A text for one place. The names are `problem`, `proof`, `evaluation`, `reference`, `rubric`;
// for a refinement also `candidate.1.proof`, `candidate.1.analysis.1`, ... counted from 1.
struct Part {
  std::string name;
  std::string text;
};

// The languages of a template, and nothing more:
//   {name}                   the text of that part, fenced (fence.h); {number}: the counter
//   {?name} ... {/name}      kept only if the part is given
//   {#candidate} ... {/candidate}, {#analysis} ... {/analysis}   once for each
// Any other brace is an ordinary character, so TeX needs no escaping.
struct Template {
  std::string name;  // "verify"
  std::string text;
  std::string sha256;  // of `text`, hexadecimal
};

// The four templates by name: generate, verify, meta_verify, refine.
class TemplateSet {
 public:
  // Those compiled into the program.
  static TemplateSet shipped();

  // The files NAME.md of a directory; a template that it lacks is the shipped one. Throws
  // std::runtime_error naming file and place if one lacks a place that it needs, uses an unknown
  // one, leaves a section open, is not UTF-8 or is larger than kTemplateBytesMax.
  static TemplateSet from_directory(const std::filesystem::path& directory);

  // REQUIRES: `name` is one of the four.
  const Template& at(std::string_view name) const;

 private:
  std::map<std::string, Template, std::less<>> templates_;
};

inline constexpr std::size_t kTemplateBytesMax = 1 << 20;

// Fills the template. The result is the same for the same arguments, on every machine: that is
// how an audit rebuilds what was sent. `secret` is the run's (fence.h).
// Throws std::runtime_error if a part's text already holds its own nonce.
std::vector<Segment> render(const Template& source, const std::vector<Part>& parts,
                            std::string_view secret);

// The segments joined: what a remote model is sent.
std::string joined(const std::vector<Segment>& segments);

}  // namespace prompts
