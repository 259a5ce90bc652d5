# libconvzoo: the public C API (load, build, inspect, plan, run, errors) as one shared library, with what another
# project needs to find it: headers, a CMake package (find_package(convzoo)) and a pkg-config file.
#
# It is made of the folders' own objects; only what the header marks CZ_API is visible (tests/api compares the list).
set(folders cz_base cz_engine cz_importer cz_zoo)
add_library(convzoo_shared SHARED)
set_target_properties(convzoo_shared PROPERTIES
  OUTPUT_NAME convzoo EXPORT_NAME convzoo VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR} LINKER_LANGUAGE C)
target_include_directories(convzoo_shared PUBLIC
  $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
foreach(folder ${folders})
  target_sources(convzoo_shared PRIVATE $<TARGET_OBJECTS:${folder}>)
endforeach()
get_property(tiers GLOBAL PROPERTY CONVZOO_TIERS)
foreach(tier ${tiers}) # an archive's own objects leave out the object libraries in it
  target_sources(convzoo_shared PRIVATE $<TARGET_OBJECTS:cz_kernels_${tier}>)
endforeach()
# For the libraries they use; as archives they add nothing more.
target_link_libraries(convzoo_shared PRIVATE ${folders})
if(NOT CONVZOO_SANITIZE AND NOT CONVZOO_FUZZ) # whose runtime only a program brings
  target_link_options(convzoo_shared PRIVATE -Wl,-z,defs)
endif()

install(TARGETS convzoo_shared EXPORT convzoo)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/convzoo DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/zoo/embedded/ DESTINATION ${CMAKE_INSTALL_DATADIR}/convzoo FILES_MATCHING PATTERN *.onnx)

include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/convzoo)
install(EXPORT convzoo NAMESPACE convzoo:: FILE convzoo-config.cmake DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/convzoo-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/convzoo-config-version.cmake DESTINATION ${package_dir})

# Debian's library folder has one level more than others', so the way back to the prefix is computed.
file(RELATIVE_PATH pc_to_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(${CMAKE_CURRENT_LIST_DIR}/convzoo.pc.in ${CMAKE_BINARY_DIR}/convzoo.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/convzoo.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
