#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/base/config_fwd.hpp"
#include "sinew/base/instant.hpp"
#include "sinew/base/time.hpp"

namespace sinew::resilience {

// A steady rate with room for a burst.
struct TokenBucketSettings {
  std::int64_t tokens = 100;  // that come in `per`
  Duration per = std::chrono::seconds(1);
  std::int64_t burst = 100;  // calls at once after a rest

  static void describe(config::Section<TokenBucketSettings>& section);
  std::vector<std::string> violations() const;
};

// Every limit that is set holds, all at once.
struct RateLimitSettings {
  std::optional<TokenBucketSettings> bucket = {};
  // Calls in a window of the UTC calendar: from 00 of a second, minute, hour, from midnight, the
  // first of a month, the first of January.
  std::optional<std::int64_t> second = {};
  std::optional<std::int64_t> minute = {};
  std::optional<std::int64_t> hour = {};
  std::optional<std::int64_t> day = {};
  std::optional<std::int64_t> month = {};
  std::optional<std::int64_t> year = {};

  static void describe(config::Section<RateLimitSettings>& section);
  std::vector<std::string> violations() const;
};

enum class CalendarWindow : std::uint8_t { second, minute, hour, day, month, year };
inline constexpr std::size_t kCalendarWindows = 6;
std::string_view to_string(CalendarWindow window) noexcept;
// When the window that `time` lies in ends, and the next begins.
Timestamp end_of(CalendarWindow window, Timestamp time) noexcept;

// Counts calls against limits. The bucket goes by the monotonic clock, windows by the wall clock: a
// wall clock that goes back by up to a window's length counts on in the window it had reached, one
// that goes back further begins anew. Shared by threads; no call takes a lock, allocates or throws;
// threads that ask at the very same moment may be refused where one alone was let through, never
// the reverse.
class RateLimiter {
 public:
  struct Decision {
    bool allowed = true;
    Duration retry_after = Duration::zero();  // when refused: no call before that
    std::string_view limit = {};              // when refused: by which, `bucket` or a window's name
  };

  // Throws Error invalid_input listing every violation.
  explicit RateLimiter(const RateLimitSettings& settings);
  RateLimiter(const RateLimiter&) = delete;
  RateLimiter& operator=(const RateLimiter&) = delete;

  // Takes one call from every limit, or from none.
  Decision try_acquire(Instant now, Timestamp wall) noexcept;

  // How many calls are left in that window at `wall`; nothing where it has no limit.
  std::optional<std::int64_t> left(CalendarWindow window, Timestamp wall) const noexcept;
  std::uint64_t refused() const noexcept { return refused_.load(std::memory_order_relaxed); }

 private:
  bool take(std::size_t window, Timestamp wall) noexcept;
  void give_back(std::size_t windows, Timestamp wall) noexcept;
  Duration take_token(Instant now) noexcept;
  Decision refuse(std::string_view limit, Duration retry_after) noexcept;

  std::array<std::int64_t, kCalendarWindows> limits_;  // 0: none
  Duration interval_ = Duration::zero();               // between two tokens; 0: no bucket
  Duration depth_ = Duration::zero();                  // of the bucket, in time
  // Which window it counts (34 bits) and the calls in it (30 bits).
  std::array<std::atomic<std::uint64_t>, kCalendarWindows> counts_ = {};
  // When the bucket will be full again, in nanoseconds of the monotonic clock: the theoretical
  // arrival time of the generic cell rate algorithm (ITU-T I.371), which is a token bucket in one
  // word.
  std::atomic<std::int64_t> full_at_ = 0;
  std::atomic<std::uint64_t> refused_ = 0;
};

}  // namespace sinew::resilience
