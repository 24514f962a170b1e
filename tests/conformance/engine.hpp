#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "sinew/async/runtime.hpp"
#include "sinew/async/scope.hpp"
#include "sinew/base/error.hpp"
#include "sinew/store/database.hpp"

// The conformance suites: what every engine behind a port promises, one suite a port. An adapter's
// test names its engines and instantiates the suites:
//
//   INSTANTIATE_TEST_SUITE_P(Sqlite, DatabaseConformance, testing::Values(plain, interleaved),
//                            engine_name);
namespace sinew::conformance {

// One empty database of the engine under test and the runtime on which it lives.
class Bench {
 public:
  Bench() = default;
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;
  virtual ~Bench() = default;

  virtual async::Runtime& runtime() = 0;
  // Runs `task` to its end, at most a minute of the runtime's time; throws what it throws.
  virtual void run(Task<void> task) = 0;
  // Open, without any table but the engine's own.
  virtual store::Database& database() = 0;
  // Closes the database and opens it again.
  virtual void reopen() = 0;
  // Sets the wall clock forward or, when negative, back.
  virtual void shift_wall(Timestamp::duration by) = 0;
};

struct Engine {
  std::string name;  // letters and digits
  // Seed 0: nothing fails by itself. Others: commits may fail as they do across a network.
  std::function<std::unique_ptr<Bench>(std::uint64_t seed)> make;

  friend void PrintTo(const Engine& engine, std::ostream* out) { *out << engine.name; }
};

inline std::string engine_name(const testing::TestParamInfo<Engine>& info) {
  return info.param.name;
}

// What the suites share: a bench each test, with Sinew's tables and one table of the suite's own.
class Conformance : public testing::TestWithParam<Engine> {
 protected:
  void SetUp() override { use_seed(0); }
  void TearDown() override { bench_.reset(); }

  // A fresh bench: for tests of many interleavings.
  void use_seed(std::uint64_t seed);

  Bench& bench() { return *bench_; }
  store::Database& db() { return bench_->database(); }
  async::Runtime& runtime() { return bench_->runtime(); }
  Uuid new_id() { return bench_->runtime().new_id(); }

  // Runs a function that gives a task; the closure lives until it is done.
  template <class F>
  void run(F make) {
    bench_->run(make());
  }

  // Runs it and gives the condition of the Error that it throws; fails the test without one.
  template <class F>
  Condition condition_of(F make) {
    try {
      bench_->run(make());
    } catch (const Error& error) {
      return error.condition();
    }
    ADD_FAILURE() << "no error was thrown";
    return {};
  }

  // Runs several tasks at the same time, to their ends; throws the first failure.
  void run_together(std::vector<Task<void>> tasks);

  // Runs a transaction again while its outcome is unknown; for effects that can be repeated.
  template <class Body>
  Task<void> insist(Body body) {
    for (int attempt = 0; attempt < most_attempts; ++attempt) {
      try {
        co_await db().transaction(body);
        co_return;
      } catch (const Error& error) {
        if (error.applied() != Applied::unknown) throw;
      }
    }
    throw Error(Condition::timeout, "the outcome of a transaction was unknown 100 times");
  }

 private:
  static constexpr int most_attempts = 100;
  static Task<void> together(std::vector<Task<void>> tasks);

  std::unique_ptr<Bench> bench_;
};

// Seeds of the tests that try many interleavings.
inline constexpr std::uint64_t seeds = 20;

}  // namespace sinew::conformance
