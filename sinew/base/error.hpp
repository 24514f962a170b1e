#pragma once

#include <string>
#include <string_view>
#include <system_error>

namespace sinew {

// What went wrong, in the terms on which a caller can act. Vendor codes are translated into one of
// these at the adapter that meets them and never travel further.
enum class Condition {
  invalid_input = 1,  // the caller's argument, message or configuration is wrong; never retried
  unauthorized,       // the caller is not known, or may not do this
  not_found,          // the thing named does not exist
  conflict,           // the state is not what the caller expected (a version, other content)
  exhausted,          // a bound is reached (queue, pool, disk); later it may work
  unavailable,        // the other side cannot be reached or is down
  timeout,            // a deadline passed
  cancelled,          // the caller's scope was cancelled
  unsupported,        // this engine or version cannot do this
  corrupt,            // stored data or a peer's bytes break their format
};

// Whether the effect of a failed operation may have taken place; every retry turns on it.
enum class Applied { no, unknown };

std::string_view to_string(Condition condition) noexcept;
std::string_view to_string(Applied applied) noexcept;

const std::error_category& sinew_category() noexcept;
std::error_code make_error_code(Condition condition) noexcept;

// The one exception type above the proxy. `detail()` says what, why, what to do: for people.
class Error : public std::system_error {
 public:
  Error(Condition condition, const std::string& detail, Applied applied = Applied::no);

  Condition condition() const noexcept { return static_cast<Condition>(code().value()); }
  Applied applied() const noexcept { return applied_; }
  const std::string& detail() const noexcept { return detail_; }

  // True for what may pass by itself: exhausted, unavailable, timeout.
  bool transient() const noexcept;

 private:
  std::string detail_;
  Applied applied_;
};

}  // namespace sinew

template <>
struct std::is_error_code_enum<sinew::Condition> : std::true_type {};
