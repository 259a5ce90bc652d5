# Language, warnings and build kinds for every target.
option(CONVZOO_TESTS "Build the tests" ON)
option(CONVZOO_ENGINE_ONLY "Only base, engine and the kernel checker, which need no other library: for cross builds" OFF)
option(CONVZOO_FUZZ "Build the fuzz targets (clang)" OFF)
set(CONVZOO_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined or thread")

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

# One place makes POSIX visible under strict C11. Contraction is off so that a*b+c rounds twice everywhere: fusing
# happens only where a kernel asks for it.
add_compile_definitions(_POSIX_C_SOURCE=200809L)
add_compile_options(-ffp-contract=off -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes)
option(CONVZOO_WERROR "Warnings are errors" OFF)
if(CONVZOO_WERROR)
  add_compile_options(-Werror)
endif()

if(CONVZOO_SANITIZE)
  add_compile_options(-fsanitize=${CONVZOO_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${CONVZOO_SANITIZE})
endif()
if(CONVZOO_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined)
  add_link_options(-fsanitize=address,undefined)
endif()

# cz_folder(NAME [LINKS]): one static library per folder, from all its .c files, linking only what the layers allow.
# Includes are written from the root of the tree: "engine/graph.h".
function(cz_folder name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.c)
  if(NOT sources) # a folder whose first file is still to come
    file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/empty.c "typedef int cz_${name}_is_empty;\n")
    set(sources ${CMAKE_CURRENT_BINARY_DIR}/empty.c)
  endif()
  add_library(cz_${name} STATIC ${sources})
  target_include_directories(cz_${name} PUBLIC ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/include)
  target_link_libraries(cz_${name} PUBLIC ${ARGN})
endfunction()
