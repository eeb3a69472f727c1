#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace support {

// What a scripted model needs to know of a prompt: what it asks for and the texts between the
// fences (prompts/fence.h), as they were before they were fenced. The wording of the template and
// the nonces, which differ from run to run, are left out on purpose.
struct PromptParts {
  enum class Task { Generate, Refine, Verify, MetaVerify };
  struct Fenced {
    std::string label;  // as it stands in the BEGIN line
    std::string text;
  };
  Task task = Task::Generate;
  std::vector<Fenced> fenced;  // in their order, at most kFencedMax

  // The first part whose label has that word in it; null if there is none.
  const Fenced* find(std::string_view word) const;
};
inline constexpr std::size_t kFencedMax = 4096;

// A prompt without any fence is a problem to be solved, all of it.
PromptParts read_prompt(std::string_view prompt);

}  // namespace support
