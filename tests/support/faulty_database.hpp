#pragma once

#include <functional>

#include "sinew/async/wait.hpp"
#include "sinew/base/error.hpp"
#include "sinew/store/database_decorator.hpp"

namespace sinew::tests {

// A Database before another one whose transactions fail as a test says.
class FaultyDatabase final : public store::DatabaseDecorator {
 public:
  using DatabaseDecorator::DatabaseDecorator;

  int failing = 0;         // so many of the next transactions fail, without effect
  int losing_answers = 0;  // ... are done, but reported as unavailable, applied unknown
  int failing_reads = 0;
  int transactions = 0;
  int reads = 0;
  Duration slowness{};  // of the answers of reads

 private:
  Task<void> run(Access access, Body& body) override {
    if (access == Access::read) {
      ++reads;
      if (failing_reads > 0) {
        --failing_reads;
        throw Error(Condition::unavailable, "the database is away");
      }
      co_await run_inner(access, body);
      if (slowness > Duration::zero()) co_await async::sleep_for(slowness);
      co_return;
    }
    ++transactions;
    if (failing > 0) {
      --failing;
      throw Error(Condition::unavailable, "the database is away");
    }
    co_await run_inner(access, body);
    if (losing_answers > 0) {
      --losing_answers;
      throw Error(Condition::unavailable, "the answer of the commit was lost", Applied::unknown);
    }
  }
};

}  // namespace sinew::tests
