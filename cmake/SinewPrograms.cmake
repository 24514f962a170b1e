# Programs, benchmarks and fuzz targets.
#
# sinew_program(NAME [EXAMPLE] SOURCES files... DEPS targets...): bin/NAME, which `make install`
# installs; no package has the examples' programs.
# sinew_bench(NAME DEPS targets...): bench/NAME.cpp becomes bin/bench_NAME (Google Benchmark).
# sinew_fuzz(NAME DEPS targets...): fuzz/NAME.cpp, which defines LLVMFuzzerTestOneInput, becomes
# bin/fuzz_NAME; its committed corpus is fuzz/corpus/NAME.

if(SINEW_BENCH)
  find_package(benchmark REQUIRED)
  add_custom_target(benchmarks)
endif()
if(SINEW_FUZZ)
  add_custom_target(fuzz_targets)
endif()

function(sinew_program name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "EXAMPLE" "" "SOURCES;DEPS")
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE sinew_options ${ARG_DEPS} fmt::fmt)
  set(component programs)
  if(ARG_EXAMPLE)
    set(component examples)
  endif()
  install(TARGETS ${name} RUNTIME COMPONENT ${component})
endfunction()

function(sinew_bench name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "DEPS")
  add_executable(bench_${name} ${name}.cpp)
  target_link_libraries(bench_${name} PRIVATE
    sinew_options ${ARG_DEPS} fmt::fmt benchmark::benchmark)
  add_dependencies(benchmarks bench_${name})
endfunction()

function(sinew_fuzz name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "DEPS")
  add_executable(fuzz_${name} ${name}.cpp)
  target_link_libraries(fuzz_${name} PRIVATE sinew_options ${ARG_DEPS})
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  add_dependencies(fuzz_targets fuzz_${name})
endfunction()
