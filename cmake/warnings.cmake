# The warnings, optimisation and sanitizers that every target of ours is built with.
add_library(project_warnings INTERFACE)
target_compile_options(project_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Werror)

# clang 14 cannot assemble coroutines under -fsanitize=function.
if(SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined
                      -fno-omit-frame-pointer)
  if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
    add_compile_options(-fno-sanitize=function)
  endif()
  add_link_options(-fsanitize=address,undefined)
endif()
if(SANITIZE_THREAD)
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
endif()

# gcc 12 reports false positives deep inside Asio and libstdc++ once they are inlined.
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  target_compile_options(project_warnings INTERFACE -Wno-maybe-uninitialized -Wno-restrict
    -Wno-mismatched-new-delete -Wno-stringop-overflow)
  if(SANITIZE_THREAD)
    target_compile_options(project_warnings INTERFACE -Wno-tsan)
  endif()
endif()
