#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sinew/base/error.hpp"
#include "sinew/base/instant.hpp"
#include "sinew/resilience/retry.hpp"

namespace sinew::resilience {

// Where an answer comes from.
enum class Source : std::uint8_t {
  target,      // a call that was made for it
  kept,        // the cache, fresh
  stale,       // the cache, since a new one cannot be had
  substitute,  // the fallback
};
std::string_view to_string(Source source) noexcept;

// One call of many callers.
struct Call {
  std::string key = {};  // of the cache; empty: it is passed by
  // Whether the target may be called twice for it; else hedge leaves it alone, and retry as soon as
  // an attempt may have had its effect.
  Repeatable repeatable = Repeatable::no;
};

// What is wrong with an answer that came as a value, such as a response with status 503.
struct Judgement {
  Failure failure;
  bool blames_target = true;  // counts for the breaker
};

// How a call ended, within a pipeline: exactly one of value and error is set.
struct Outcome {
  // Whom a breaker learns something about.
  enum class Blame : std::uint8_t {
    none,    // the target works: it answered, be it with a refusal
    target,  // it does not
    nobody,  // the caller's wish, a refusal of the pipeline's own, a mistake in the program
  };

  std::shared_ptr<const void> value;
  std::exception_ptr error;
  std::optional<Failure> failure;  // of an error, and of a value that was judged one
  Blame blame = Blame::none;
  bool refused = false;  // by the pipeline itself: the target was not called
  Source source = Source::target;
  Duration age = Duration::zero();  // of what was kept

  static Outcome of(const Error& error);
  static Outcome refusal(Condition condition, const std::string& detail,
                         Duration retry_after = Duration::zero());

  bool good() const noexcept { return !failure && !error; }
  // An older answer or a substitute may stand in.
  bool replaceable() const noexcept;
  // The error as one, for those who need its text.
  Error as_error() const;
  // One of the attempts may have had its effect.
  void doubt();
};

}  // namespace sinew::resilience
