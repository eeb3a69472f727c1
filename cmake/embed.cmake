# embed_files(TARGET GLOB...): compiles text files into TARGET, so that the binary needs nothing
# beside it. They are read through `embedded_file(name)` of "TARGET/embedded.h"; the name is the
# file's name without its folder.
function(embed_files target)
  file(GLOB files CONFIGURE_DEPENDS ${ARGN})
  set(generated ${CMAKE_CURRENT_BINARY_DIR}/embedded_${target}.cpp)
  add_custom_command(
    OUTPUT ${generated}
    COMMAND ${CMAKE_COMMAND} -DOUTPUT=${generated} -DNAMESPACE=${target} "-DFILES=${files}"
            -P ${PROJECT_SOURCE_DIR}/cmake/write_embedded.cmake
    DEPENDS ${files} ${PROJECT_SOURCE_DIR}/cmake/write_embedded.cmake
    VERBATIM)
  target_sources(${target} PRIVATE ${generated})
endfunction()
