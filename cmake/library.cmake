# libconvzoo: the public C API (load, inspect, plan, run, errors) as one shared library.
file(WRITE ${CMAKE_BINARY_DIR}/shared.c "typedef int cz_shared_takes_all_from_the_folders;\n")
add_library(convzoo_shared SHARED ${CMAKE_BINARY_DIR}/shared.c)
set_target_properties(convzoo_shared PROPERTIES
  OUTPUT_NAME convzoo VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR} LINKER_LANGUAGE C)
target_include_directories(convzoo_shared PUBLIC
  $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_libraries(convzoo_shared PRIVATE
  -Wl,--whole-archive cz_base cz_engine cz_importer cz_zoo -Wl,--no-whole-archive)
