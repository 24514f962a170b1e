# Which compilers are refused; for this build, and installed for those who use the library.

# sinew_compiler_problem(OUT): why the C++ compiler cannot be used, or nothing.
function(sinew_compiler_problem out)
  set(problem "")
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    string(CONCAT problem
      "GCC ${CMAKE_CXX_COMPILER_VERSION} miscompiles coroutines: aggregate temporaries in a "
      "co_await expression are destroyed twice, without a warning. "
      "Use clang 19, or GCC 13 or later")
  endif()
  set(${out} "${problem}" PARENT_SCOPE)
endfunction()
