# What `cmake --install` puts where:
#
#   bin/                     the programs (component programs; those of examples/: examples)
#   lib/libsinew_*.a         the library, a file a module (component library, as all below)
#   include/sinew/           its headers: the include path, so `#include "sinew/context/host.hpp"`
#                            and `#include "adapters/sqlite/backend.hpp"` read as in this tree
#   lib/cmake/Sinew/         find_package(Sinew)
#   share/doc/sinew/         the licence
#
# A module is the target Sinew::<module>, an adapter Sinew::<vendor>; Sinew::sinew is all of them.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(SINEW_CMAKE_FOLDER ${CMAKE_INSTALL_LIBDIR}/cmake/Sinew)
set(SINEW_INCLUDE_FOLDER ${CMAKE_INSTALL_INCLUDEDIR}/sinew)

# sinew_export(TARGET NAME): installs a target of the library as Sinew::NAME, which is its name in
# this tree as well, with the headers of its file set.
function(sinew_export target name)
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  add_library(Sinew::${name} ALIAS ${target})
  set(headers)
  get_target_property(sets ${target} INTERFACE_HEADER_SETS)
  if(sets)
    set(headers FILE_SET HEADERS DESTINATION ${SINEW_INCLUDE_FOLDER} COMPONENT library)
  endif()
  install(TARGETS ${target} EXPORT SinewTargets
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library ${headers})
endfunction()

# sinew_install_headers(TARGET SCOPE HEADERS...): the target's public headers.
function(sinew_install_headers target scope)
  target_sources(${target} ${scope}
    FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${ARGN})
endfunction()

# After all modules: the convenience target and the package.
function(sinew_install_package)
  get_property(modules GLOBAL PROPERTY SINEW_MODULES)
  add_library(sinew_sinew INTERFACE)
  target_link_libraries(sinew_sinew INTERFACE ${modules})
  sinew_export(sinew_sinew sinew)
  sinew_export(sinew_usage usage)

  set(generated ${PROJECT_BINARY_DIR}/package)
  configure_package_config_file(
    ${PROJECT_SOURCE_DIR}/cmake/SinewConfig.cmake.in ${generated}/SinewConfig.cmake
    INSTALL_DESTINATION ${SINEW_CMAKE_FOLDER})
  # Before 1.0 a minor version may change everything, as Semantic Versioning allows.
  set(compatible SameMajorVersion)
  if(PROJECT_VERSION_MAJOR EQUAL 0)
    set(compatible SameMinorVersion)
  endif()
  write_basic_package_version_file(
    ${generated}/SinewConfigVersion.cmake COMPATIBILITY ${compatible})
  install(EXPORT SinewTargets NAMESPACE Sinew::
    DESTINATION ${SINEW_CMAKE_FOLDER} COMPONENT library)
  install(FILES ${generated}/SinewConfig.cmake ${generated}/SinewConfigVersion.cmake
    ${PROJECT_SOURCE_DIR}/cmake/SinewCompiler.cmake
    DESTINATION ${SINEW_CMAKE_FOLDER} COMPONENT library)
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE
    DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT library)
endfunction()
