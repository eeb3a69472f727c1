# Writes OUTPUT, a C++ file that holds the bytes of each of FILES as a raw string literal.
# A literal is cut into pieces: compilers need not take one longer than 65,536 characters.
set(entries "")
foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME)
  file(READ ${file} text)
  string(LENGTH "${text}" length)
  set(pieces "")
  set(offset 0)
  while(offset LESS length)
    string(SUBSTRING "${text}" ${offset} 8000 piece)
    string(APPEND pieces "R\"~embedded~(${piece})~embedded~\"\n")
    math(EXPR offset "${offset} + 8000")
  endwhile()
  if(pieces STREQUAL "")
    set(pieces "\"\"")
  endif()
  string(APPEND entries "    {\"${name}\", ${pieces}},\n")
endforeach()
file(WRITE ${OUTPUT} "// Made by cmake/write_embedded.cmake.
#include \"${NAMESPACE}/embedded.h\"

#include <array>
#include <utility>

std::optional<std::string_view> ${NAMESPACE}::embedded_file(std::string_view name) {
  static const std::pair<std::string_view, std::string_view> files[] = {
${entries}  };
  for (const auto& [key, bytes] : files)
    if (key == name) return bytes;
  return std::nullopt;
}
")
