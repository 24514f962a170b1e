#pragma once

#include <gtest/gtest.h>

#include "sinew/base/error.hpp"

namespace sinew::tests {

// The Error that `function` throws; one that does not throw fails the test.
template <class F>
Error error_of(F function) {
  try {
    function();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return {Condition::corrupt, ""};
}

}  // namespace sinew::tests
