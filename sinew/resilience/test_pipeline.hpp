#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sinew/async/offload.hpp"
#include "sinew/async/scope.hpp"
#include "sinew/async/test_runtime.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/log.hpp"
#include "sinew/base/metrics.hpp"
#include "sinew/resilience/pipeline.hpp"

// What tests of pipelines share: a target that does what it is told, and callers that come and go.
namespace sinew::resilience::test {

// A target whose n-th call, from 1, takes so long and ends so.
class Target {
 public:
  using Behaviour = std::function<Task<std::string>(int call)>;

  explicit Target(Behaviour behaviour) : behaviour_(std::move(behaviour)) {}

  std::function<Task<std::string>()> operation() {
    return [this] { return call(); };
  }
  int calls = 0;
  int running = 0;
  int most_running = 0;
  std::vector<Instant> at;

 private:
  struct Inside {
    explicit Inside(Target& target) : target_(target) {
      target_.most_running = std::max(target_.most_running, ++target_.running);
    }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    ~Inside() { --target_.running; }
    Target& target_;
  };

  Task<std::string> call() {
    const int number = ++calls;
    at.push_back((co_await async::this_context()).runtime->now());
    const Inside inside(*this);
    co_return co_await behaviour_(number);
  }

  Behaviour behaviour_;
};

inline Error unavailable(Applied applied = Applied::no) {
  return {Condition::unavailable, "the target is down", applied};
}

class NoLog final : public log::Sink {
  void write(const log::Event&) noexcept override {}
};

class Bench {
 public:
  using Pipe = Pipeline<std::string>;

  Bench(PipelineSettings settings, Target::Behaviour behaviour, Pipe::Functions functions = {})
      : target(std::move(behaviour)) {
    functions.bytes = [](const std::string& text) { return text.size(); };
    pipeline.emplace(registry, "prices", std::move(settings), std::move(functions));
  }

  Task<Served<std::string>> call(std::string key = {}, Repeatable repeatable = Repeatable::yes) {
    co_return co_await pipeline->run({.key = std::move(key), .repeatable = repeatable},
                                     target.operation());
  }
  Served<std::string> serve(std::string key = {}, Repeatable repeatable = Repeatable::yes) {
    return runtime.run(call(std::move(key), repeatable));
  }
  // What it is answered, or why not.
  std::string text(std::string key = {}, Repeatable repeatable = Repeatable::yes) {
    try {
      const auto served = serve(std::move(key), repeatable);
      return served.value + " (" + std::string(to_string(served.source)) + ")";
    } catch (const Error& error) {
      return std::string(to_string(error.condition()));
    }
  }
  Error error(std::string key = {}, Repeatable repeatable = Repeatable::yes) {
    try {
      serve(std::move(key), repeatable);
    } catch (const Error& failure) {
      return failure;
    }
    return {Condition::invalid_input, "it did not fail"};
  }
  Json state() { return pipeline->engine().state(); }

  async::TestRuntime runtime;
  metrics::Registry metrics;
  PipelineRegistry registry{runtime, metrics, "shop", log::Logger(std::make_shared<NoLog>())};
  Target target;
  std::optional<Pipe> pipeline;
};

// A caller beside others, with a deadline of its own, that can be cancelled or dropped.
class Caller {
 public:
  explicit Caller(Bench& bench, std::string key = {}, Instant deadline = Instant::max())
      : scope_(std::make_unique<async::Scope>(bench.runtime)) {
    scope_->spawn(
        async::capture(async::with_deadline(deadline, bench.call(std::move(key))), *outcome_));
  }

  void cancel() { scope_->cancel(); }
  void drop() { scope_.reset(); }
  bool ended() const { return scope_->size() == 0; }
  std::string text() {
    if (!ended()) return "waiting";
    try {
      const auto served = outcome_->take();
      return served.value + " (" + std::string(to_string(served.source)) + ")";
    } catch (const Error& error) {
      return std::string(to_string(error.condition()));
    }
  }

 private:
  std::unique_ptr<async::Outcome<Served<std::string>>> outcome_ =
      std::make_unique<async::Outcome<Served<std::string>>>();
  std::unique_ptr<async::Scope> scope_;
};

}  // namespace sinew::resilience::test
