#pragma once

namespace commerce::program {

// Documented in docs/reference/commerce.md.
enum ExitCode : int {
  exit_done = 0,        // verify: the books balance
  exit_unbalanced = 1,  // they do not; or something waits for an operator
  exit_failed = 2,  // the command line is wrong, or it could not be done; standard error says why
  exit_unsettled = 3,  // verify: no rest to compare in; run --exit: stopped before the books
};

enum class Format { table, json };

}  // namespace commerce::program
