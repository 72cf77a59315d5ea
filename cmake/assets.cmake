# The files that the program serves become part of it: the API reference (web/reference holds our own, npm brings the viewer into
# web/reference/node_modules) and the console (web/console, built into build/console). ./dev build runs npm and builds the console
# when its sources changed. The files are embedded as they are and once more gzip-compressed, by the assembler's .incbin.
function(fealty_assets room)
  set(reference ${CMAKE_SOURCE_DIR}/web/reference)
  set(console ${CMAKE_SOURCE_DIR}/build/console)
  set(out ${CMAKE_BINARY_DIR}/generated/assets)
  # What is built or fetched is no dependency that ninja knows how to make: its absence is told by the script, in words. The stamp
  # of the console changes with each build of it, the lock file with each version of the viewer.
  file(GLOB console_stamp CONFIGURE_DEPENDS ${console}/.built)
  add_custom_command(OUTPUT ${out}/assets.S ${out}/assets.cpp
    COMMAND ${CMAKE_COMMAND} -DREFERENCE=${reference} -DCONSOLE=${console} -DOUT=${out} -P ${CMAKE_SOURCE_DIR}/cmake/embed_assets.cmake
    DEPENDS ${reference}/index.html ${reference}/init.js ${reference}/page.css ${reference}/icon.svg ${reference}/package.json
            ${reference}/package-lock.json ${console_stamp} ${CMAKE_SOURCE_DIR}/cmake/embed_assets.cmake
    COMMENT "Embedding the console and the API reference" VERBATIM)
  target_sources(${room} PRIVATE ${out}/assets.S ${out}/assets.cpp)
  set_source_files_properties(${out}/assets.cpp PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
  # The assembler reads the files behind the compiler's back.
  set_source_files_properties(${out}/assets.S PROPERTIES OBJECT_DEPENDS ${out}/assets.cpp)
endfunction()
