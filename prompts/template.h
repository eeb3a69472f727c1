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

// The language of a template, and nothing more:
//   {name}                   the text of that part, fenced (fence.h); {number}: the counter
//   {=name}                  the text without a fence, an evaluation also without marks: for models
//                            in this process, whose control tokens no text can forge
//   {?name} ... {/name}      kept only if the part is given
//   {#candidate} ... {/candidate}, {#analysis} ... {/analysis}   once for each
// A section's tag that stands alone on its line takes the line with it. A fence's lines always
// stand on lines of their own.
// Any other brace is an ordinary character, so TeX needs no escaping. What could be a name but is
// TeX: one letter, or letters right behind a command, `_`, `^`, `\` or the group before it, as in
// \begin{proof} and \frac{ab}{cd}. Elsewhere two or more small letters in braces are a place, and
// an unknown one is an error.
struct Template {
  std::string name;  // "verify"
  std::string text;
  std::string sha256;     // of `text`, hexadecimal
  bool unfenced = false;  // has a place {=name}
};

// The four templates by name: generate, verify, meta_verify, refine.
class TemplateSet {
 public:
  // Those compiled into the program.
  static TemplateSet shipped();

  // The files NAME.md of a directory; a template that it lacks is the shipped one. Throws
  // std::runtime_error naming file and place if one lacks a place that it needs, uses an unknown
  // one, leaves a section open, is not UTF-8 or is larger than kTemplateBytesMax, or if there is
  // no such directory.
  static TemplateSet from_directory(const std::filesystem::path& directory);

  // REQUIRES: `name` is one of the four.
  const Template& at(std::string_view name) const;

  // In place of the one of its name. REQUIRES: that is one of the four.
  void replace(Template source);

 private:
  std::map<std::string, Template, std::less<>> templates_;
};

inline constexpr std::size_t kTemplateBytesMax = 1 << 20;

// What from_directory does with each file: checks the text as the template `name` (one of the
// four); `file` is for the message. Throws std::runtime_error as there.
Template make_template(std::string_view name, std::string text, std::string_view file);

// Fills the template. The result is the same for the same arguments, on every machine: that is
// how an audit rebuilds what was sent. `secret` is the run's (fence.h).
// A part that the template has no place for is left out; that is how a template without
// {?reference} works. Throws std::runtime_error if a part's text already holds its own nonce, and
// std::logic_error if a part is missing, comes twice, or is a candidate or analysis that is not
// numbered from 1 without a gap.
std::vector<Segment> render(const Template& source, const std::vector<Part>& parts,
                            std::string_view secret);

// The segments joined: what a remote model is sent.
std::string joined(const std::vector<Segment>& segments);

}  // namespace prompts
