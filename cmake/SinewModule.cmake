# One function a module:
# sinew_module(NAME [PARTS folders...] [VENDOR targets...] [TEST_DEPS targets...]
#              [PRIVATE_HEADERS headers...]).
#
# The sources of a module are the .cpp files of its folder and of its PARTS, folders inside it;
# x_test.cpp stands beside x.cpp, and all of a module's tests make one binary, `<module>_test`, one
# ctest entry. What a module may link is read from cmake/layers.txt; vendor libraries are private to
# the module that names them.
#
# Its headers are installed but for its tests' own (x_test.hpp, test_x.hpp) and the PRIVATE_HEADERS,
# which only its sources include; globs, from its folder.

find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(GTest REQUIRED)
find_package(fmt REQUIRED)

# What whoever includes a header needs, here and where the library is installed.
add_library(sinew_usage INTERFACE)
target_compile_features(sinew_usage INTERFACE cxx_std_23)
target_include_directories(sinew_usage INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:${SINEW_INCLUDE_FOLDER}>)
target_compile_definitions(sinew_usage INTERFACE BOOST_ALLOW_DEPRECATED_HEADERS)
target_link_libraries(sinew_usage INTERFACE Threads::Threads Boost::headers)

# How this tree is compiled.
add_library(sinew_options INTERFACE)
target_compile_options(sinew_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wimplicit-fallthrough -Werror)
target_link_libraries(sinew_options INTERFACE sinew_usage)
if(CMAKE_LINKER_TYPE STREQUAL "MOLD")   # CMake 3.29 knows the variable itself, 3.25 does not
  target_link_options(sinew_options INTERFACE -fuse-ld=mold)
endif()
if(SINEW_SANITIZE)
  target_compile_options(sinew_options INTERFACE
    -fsanitize=${SINEW_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(sinew_options INTERFACE -fsanitize=${SINEW_SANITIZE})
endif()
if(SINEW_FUZZ)
  target_compile_options(sinew_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# The lines of layers.txt as variables: SINEW_LAYER_<module> = list of modules. A line for some
# files of a module (module/name) counts for the whole target; tools/check-layers is stricter.
set(SINEW_LAYERS_FILE ${PROJECT_SOURCE_DIR}/cmake/layers.txt)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${SINEW_LAYERS_FILE})
file(STRINGS ${SINEW_LAYERS_FILE} layer_lines REGEX "^[a-z]")
foreach(line IN LISTS layer_lines)
  string(REGEX MATCH "^([a-z/]+):(.*)$" _ "${line}")
  set(layer_path "${CMAKE_MATCH_1}")
  separate_arguments(layer_uses UNIX_COMMAND "${CMAKE_MATCH_2}")
  if(layer_path MATCHES "^adapters/([a-z]+)")
    set(layer_module adapters_${CMAKE_MATCH_1})
  else()
    string(REGEX REPLACE "^([a-z]+)/.*" "\\1" layer_module "${layer_path}")
  endif()
  list(APPEND SINEW_LAYER_${layer_module} ${layer_uses})
  list(REMOVE_DUPLICATES SINEW_LAYER_${layer_module})
endforeach()

function(sinew_target_name out path)
  string(REPLACE "/" "_" name "${path}")
  set(${out} sinew_${name} PARENT_SCOPE)
endfunction()

# All tests of a label build by one target, so that a sanitizer build makes no more than it runs.
add_custom_target(unit_tests)
add_custom_target(conformance_tests)

# sinew_test(TARGET SOURCES... DEPS...): a GoogleTest binary and its ctest entry.
function(sinew_test target)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "TIMEOUT" "SOURCES;DEPS;LABELS")
  add_executable(${target} ${ARG_SOURCES})
  target_link_libraries(${target} PRIVATE
    sinew_options ${ARG_DEPS} fmt::fmt GTest::gmock GTest::gtest_main)
  add_test(NAME ${target} COMMAND ${target})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 600)  # of a sanitizer's build on a busy machine
  endif()
  set_tests_properties(${target} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
  foreach(label IN LISTS ARG_LABELS)
    if(TARGET ${label}_tests)
      add_dependencies(${label}_tests ${target})
    endif()
  endforeach()
endfunction()

# sinew_public_headers(OUT PARTS... PRIVATE globs...): the headers that are installed.
function(sinew_public_headers out)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "PARTS;PRIVATE")
  set(parts ${ARG_PARTS})
  list(TRANSFORM parts APPEND "/*.hpp" OUTPUT_VARIABLE part_headers)
  list(TRANSFORM parts APPEND "/test_*.hpp" OUTPUT_VARIABLE part_tests)
  file(GLOB headers CONFIGURE_DEPENDS *.hpp ${part_headers})
  file(GLOB private CONFIGURE_DEPENDS test_*.hpp *_test.hpp ${part_tests} ${ARG_PRIVATE})
  list(REMOVE_ITEM headers ${private} "")
  set(${out} ${headers} PARENT_SCOPE)
endfunction()

function(sinew_module module)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "PARTS;VENDOR;TEST_DEPS;PRIVATE_HEADERS")
  sinew_target_name(target ${module})
  list(TRANSFORM ARG_PARTS REPLACE "(.+)" "\\1/*.cpp" OUTPUT_VARIABLE part_sources)
  list(TRANSFORM ARG_PARTS REPLACE "(.+)" "\\1/*_test.cpp" OUTPUT_VARIABLE part_tests)
  file(GLOB sources CONFIGURE_DEPENDS *.cpp ${part_sources})
  file(GLOB tests CONFIGURE_DEPENDS *_test.cpp ${part_tests})
  list(REMOVE_ITEM sources ${tests} "")
  sinew_public_headers(headers PARTS ${ARG_PARTS} PRIVATE ${ARG_PRIVATE_HEADERS})
  string(REPLACE "/" "_" layer ${module})
  set(uses)
  foreach(used IN LISTS SINEW_LAYER_${layer})
    sinew_target_name(used_target ${used})
    list(APPEND uses ${used_target})
  endforeach()

  if(sources)
    add_library(${target} STATIC ${sources})
    target_link_libraries(${target}
      PUBLIC $<BUILD_INTERFACE:sinew_options> sinew_usage ${uses}
      PRIVATE fmt::fmt ${ARG_VENDOR})
    sinew_install_headers(${target} PUBLIC ${headers})
  else()
    add_library(${target} INTERFACE)
    target_link_libraries(${target} INTERFACE $<BUILD_INTERFACE:sinew_options> sinew_usage ${uses})
    sinew_install_headers(${target} INTERFACE ${headers})
  endif()
  string(REGEX REPLACE "^adapters/" "" name ${module})
  sinew_export(${target} ${name})
  set_property(GLOBAL APPEND PROPERTY SINEW_MODULES ${target})
  if(tests)
    string(REPLACE "sinew_" "" test_name ${target})
    sinew_test(${test_name}_test SOURCES ${tests} DEPS ${target} ${ARG_TEST_DEPS} LABELS unit)
  endif()
endfunction()
