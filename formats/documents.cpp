#include "formats/documents.h"

#include <algorithm>
#include <optional>

#include "text/utf8.h"
#include "text/words.h"

namespace formats {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

// "## Proof:", "# **Solution**" and the like.
bool is_proof_heading(std::string_view line) {
  const std::size_t marks = line.find_first_not_of('#');
  if (marks == 0 || marks == kNone || marks > 6) return false;
  std::string_view title = line.substr(marks);
  constexpr std::string_view around = " \t*_:#";
  const std::size_t first = title.find_first_not_of(around);
  if (first == 0 || first == kNone) return false;  // "#hashtag" is no heading
  title = title.substr(first, title.find_last_not_of(around) - first + 1);
  const std::string word = text::lower_ascii(title);
  return word == "proof" || word == "solution";
}

// Finds `needle` where it is not in a comment: a '%' that no backslash precedes, up to the line's
// end.
std::size_t find_tex(std::string_view tex, std::string_view needle, std::size_t from) {
  for (std::size_t at = from; at < tex.size(); ++at) {
    if (tex.substr(at).starts_with(needle)) return at;
    if (tex[at] == '\\') {
      ++at;
    } else if (tex[at] == '%') {
      at = tex.find('\n', at);
      if (at == kNone) return kNone;
    }
  }
  return kNone;
}

struct Environment {
  std::size_t begin = 0, end = 0;  // with its \begin and \end
  std::string content;
};

std::optional<Environment> find_environment(std::string_view tex, std::string_view name,
                                            std::size_t from, const std::string& file) {
  const std::string opening = "\\begin{" + std::string(name) + "}";
  const std::string closing = "\\end{" + std::string(name) + "}";
  const std::size_t begin = find_tex(tex, opening, from);
  if (begin == kNone) return std::nullopt;
  std::size_t inside = begin + opening.size();
  const std::size_t end = find_tex(tex, closing, inside);
  if (end == kNone) {
    const text::Place place = text::place_of(tex, begin);
    throw FormatError(file + ":" + std::to_string(place.line) + ":" + std::to_string(place.column) +
                      ": " + opening + " has no " + closing);
  }
  // The title in \begin{problem}[Title] is part of what is asked; it stays.
  return Environment{begin, end + closing.size(),
                     std::string(text::trim(tex.substr(inside, end - inside)))};
}

Document whole_body(std::string_view tex, const std::string& file) {
  std::string_view body = tex;
  std::size_t line = 1;
  if (const auto document = find_environment(tex, "document", 0, file)) {
    const std::size_t begin = document->begin + std::string_view("\\begin{document}").size();
    body = tex.substr(begin, document->end - begin - std::string_view("\\end{document}").size());
    line = text::place_of(tex, begin).line;
  }
  Document result{.statement = "", .proof = "", .line = line};
  std::string statement(body);
  if (const auto proof = find_environment(body, "proof", 0, file)) {
    result.proof = proof->content;
    statement.erase(proof->begin, proof->end - proof->begin);
  }
  result.statement = std::string(text::trim(statement));
  return result;
}

}  // namespace

Document split_markdown(std::string_view markdown) {
  std::size_t at = 0;
  std::string_view fence;
  while (at < markdown.size()) {
    const std::string_view line = markdown.substr(at, markdown.substr(at).find('\n'));
    const std::string_view trimmed = text::trim(line);
    const std::size_t next = std::min(markdown.size(), at + line.size() + 1);
    if (trimmed.starts_with("```") || trimmed.starts_with("~~~")) {
      if (fence.empty())
        fence = trimmed.substr(0, 3);
      else if (trimmed.starts_with(fence))
        fence = {};
    } else if (fence.empty() && is_proof_heading(trimmed)) {
      return {std::string(text::trim(markdown.substr(0, at))),
              std::string(text::trim(markdown.substr(next))), 1};
    }
    at = next;
  }
  return {std::string(text::trim(markdown)), "", 1};
}

std::vector<Document> split_tex(std::string_view tex, const std::string& file) {
  std::vector<Document> documents;
  auto problem = find_environment(tex, "problem", 0, file);
  if (!problem) {
    documents.push_back(whole_body(tex, file));
    return documents;
  }
  std::size_t line = 1, counted = 0;  // lines up to the byte `counted`
  while (problem) {
    line += std::size_t(std::ranges::count(tex.substr(counted, problem->begin - counted), '\n'));
    counted = problem->begin;
    if (documents.size() == kTexProblemsMax)
      throw FormatError(file + ": more than " + std::to_string(kTexProblemsMax) + " problems");
    auto next = find_environment(tex, "problem", problem->end, file);
    const std::string_view until = tex.substr(0, next ? next->begin : tex.size());
    const auto proof = find_environment(until, "proof", problem->end, file);
    documents.push_back({problem->content, proof ? proof->content : "", line});
    problem = std::move(next);
  }
  return documents;
}

}  // namespace formats
