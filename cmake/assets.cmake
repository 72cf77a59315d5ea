# The files of the API reference become part of the program: web/reference holds our own, npm brings the viewer into
# web/reference/node_modules (./dev build runs npm; package-lock.json pins it). They are embedded as they are and once more
# gzip-compressed, by the assembler's .incbin.
function(fealty_assets room)
  set(own ${CMAKE_SOURCE_DIR}/web/reference)
  set(out ${CMAKE_BINARY_DIR}/generated/assets)
  # The viewer's own files are no dependencies, so that their absence is told by the script, in words, and not by ninja; a new
  # version of them always changes the lock file.
  add_custom_command(OUTPUT ${out}/assets.S ${out}/assets.cpp
    COMMAND ${CMAKE_COMMAND} -DOWN=${own} -DOUT=${out} -P ${CMAKE_SOURCE_DIR}/cmake/embed_assets.cmake
    DEPENDS ${own}/index.html ${own}/init.js ${own}/page.css ${own}/icon.svg ${own}/package.json ${own}/package-lock.json
            ${CMAKE_SOURCE_DIR}/cmake/embed_assets.cmake
    COMMENT "Embedding the API reference" VERBATIM)
  target_sources(${room} PRIVATE ${out}/assets.S ${out}/assets.cpp)
  set_source_files_properties(${out}/assets.cpp PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
  # The assembler reads the files behind the compiler's back.
  set_source_files_properties(${out}/assets.S PROPERTIES OBJECT_DEPENDS ${out}/assets.cpp)
endfunction()
