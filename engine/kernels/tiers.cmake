# Every kernel file is compiled once per tier of the target's architecture, with that tier's flags; names carry the
# tier as a suffix (vec.h). table.c collects them.
file(GLOB kernel_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/kernels/*.c)
list(FILTER kernel_sources EXCLUDE REGEX "/table\\.c$")
target_sources(cz_engine PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/kernels/table.c)

# Unrolled tiles, instrumented and optimised, take clang many minutes a file and tell a fuzzer nothing: which way a kernel
# goes depends on shapes that planning has checked. ASan and UBSan stay.
set(kernel_options -O3)
if(CONVZOO_FUZZ)
  set(kernel_options -O0 -fno-sanitize=fuzzer-no-link)
endif()

function(cz_tier name)
  add_library(cz_kernels_${name} OBJECT ${kernel_sources})
  target_include_directories(cz_kernels_${name} PRIVATE ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/include)
  set_property(GLOBAL APPEND PROPERTY CONVZOO_TIERS ${name})
  string(TOUPPER ${name} upper)
  target_compile_definitions(cz_kernels_${name} PRIVATE CZ_TIER=${name} CZ_TIER_${upper}=1)
  target_compile_options(cz_kernels_${name} PRIVATE ${kernel_options} ${ARGN})
  target_sources(cz_engine PRIVATE $<TARGET_OBJECTS:cz_kernels_${name}>)
  target_compile_definitions(cz_engine PRIVATE CZ_HAVE_TIER_${upper}=1)
endfunction()

cz_tier(scalar)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  cz_tier(avx2 -mavx2 -mfma -mf16c)
  cz_tier(avx512 -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx2 -mfma -mf16c -mprefer-vector-width=512)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  cz_tier(neon)
endif()
