#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "sinew/async/task.hpp"
#include "sinew/resilience/pipeline_engine.hpp"

namespace sinew::resilience {

// An answer, and how it was come by.
template <class T>
struct Served {
  T value;
  Source source = Source::target;
  Duration age = Duration::zero();  // of a kept or stale one
};

// What stands between a caller and a target that may be slow, busy or away, in one declaration:
//
//   prices_(pipelines(), "prices",
//           {.steps = {Step::cache, Step::breaker, Step::retry, Step::attempt_timeout},
//            .cache = CacheSettings{.fresh = 5min, .max_age_on_error = 1h},
//            .timeout = TimeoutSettings{.attempt = 3s},
//            .retry = RetrySettings{.max_attempts = 3, .first_delay = 100ms, ...}})
//   ...
//   auto price = co_await prices_.run({.key = id, .repeatable = Repeatable::yes},
//                                     [&] { return fetch_price(id); });
//
// A call passes the steps from the first to the last; each may answer itself, refuse, or make the
// rest of the way several times. What the pipeline refuses itself is neither tried again nor held
// against the target. Lives on one worker, outlives its calls, and is outlived by the registry.
template <class T>
  requires std::copy_constructible<T>
class Pipeline {
 public:
  struct Functions {
    // What is wrong with an answer that is a value; without it every value is good. A value that
    // is judged bad to the end is still what run() gives.
    std::function<std::optional<Judgement>(const T&)> judge = {};
    // What an answer takes in the cache; needed for what has memory elsewhere.
    std::function<std::uint64_t(const T&)> bytes = {};
    // The substitute for an answer that cannot be had; what it throws comes instead of the error.
    std::function<Task<T>(const Call&, const Error&)> fallback = {};
  };

  // Throws Error invalid_input with every contradiction in the settings and everything that is
  // missing for the steps; conflict when the registry has a pipeline of that name.
  Pipeline(PipelineRegistry& registry, std::string name, PipelineSettings settings,
           Functions functions = {})
      : engine_(registry, std::move(name), std::move(settings), erase(std::move(functions))) {}

  // `operation` calls the target once; it is called several times for retry and hedge, and not at
  // all for a kept answer. Errors: what it throws in the end; and, applied no, unavailable (the
  // breaker is open), exhausted (the rate limit, the bulkhead, too many wait for one key), timeout
  // (the time was over before there was an attempt). `applied` is unknown as soon as one attempt
  // may have had its effect. The caller's deadline and cancellation hold at every step.
  Task<Served<T>> run(Call call, std::function<Task<T>()> operation) {
    Outcome outcome =
        co_await engine_.run(std::move(call), [&operation] { return make_shared(operation()); });
    if (!outcome.value) std::rethrow_exception(outcome.error);
    co_return Served<T>{take(outcome.value), outcome.source, outcome.age};
  }

  PipelineEngine& engine() noexcept { return engine_; }

 private:
  using Value = PipelineEngine::Value;

  static Task<Value> make_shared(Task<T> task) {
    co_return std::make_shared<T>(co_await std::move(task));
  }
  static Task<Value> substitute(const std::function<Task<T>(const Call&, const Error&)>& fallback,
                                const Call& call, Error error) {
    co_return std::make_shared<T>(co_await fallback(call, error));
  }
  static const T& as(const void* value) { return *static_cast<const T*>(value); }

  // Moved out where nobody else has it: it was made as a T that is not const.
  static T take(const Value& value) {
    if (value.use_count() > 1) return as(value.get());
    return std::move(const_cast<T&>(as(value.get())));
  }

  static PipelineEngine::Functions erase(Functions given) {
    PipelineEngine::Functions erased;
    if (given.judge) {
      erased.judge = [judge = std::move(given.judge)](const void* value) {
        return judge(as(value));
      };
    }
    if (given.bytes) {
      erased.bytes = [bytes = std::move(given.bytes)](const void* value) {
        return bytes(as(value));
      };
    } else if (std::is_trivially_copyable_v<T>) {
      erased.bytes = [](const void*) { return std::uint64_t{sizeof(T)}; };
    }
    if (given.fallback) {
      erased.fallback = [fallback = std::move(given.fallback)](const Call& call,
                                                               const Error& error) {
        return substitute(fallback, call, error);
      };
    }
    return erased;
  }

  PipelineEngine engine_;
};

}  // namespace sinew::resilience
