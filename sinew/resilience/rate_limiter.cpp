#include "sinew/resilience/rate_limiter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "sinew/base/config.hpp"

namespace sinew::resilience {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;
using std::chrono::floor;
using std::chrono::sys_days;

constexpr std::int64_t kMostCalls = 1'000'000'000;  // fits the 30 bits of a count
constexpr unsigned kCountBits = 30;
constexpr std::uint64_t kCountMask = (std::uint64_t{1} << kCountBits) - 1;

constexpr std::int64_t number_of(std::uint64_t word) noexcept {
  return static_cast<std::int64_t>(word >> kCountBits);
}
constexpr std::int64_t count_of(std::uint64_t word) noexcept {
  return static_cast<std::int64_t>(word & kCountMask);
}
constexpr std::uint64_t pack(std::int64_t number, std::int64_t count) noexcept {
  return static_cast<std::uint64_t>(number) << kCountBits | static_cast<std::uint64_t>(count);
}

std::array<std::int64_t, kCalendarWindows> limits_of(const RateLimitSettings& s) {
  return {s.second.value_or(0), s.minute.value_or(0), s.hour.value_or(0),
          s.day.value_or(0),    s.month.value_or(0),  s.year.value_or(0)};
}

// Windows since 1970, from 0; earlier times count as that.
std::int64_t number_at(CalendarWindow window, Timestamp time) noexcept {
  const auto since = std::max(time, Timestamp()).time_since_epoch();
  const auto months = [&] {
    const std::chrono::year_month_day date(floor<days>(std::max(time, Timestamp())));
    return (std::int64_t{int(date.year())} - 1970) * 12 + unsigned(date.month()) - 1;
  };
  switch (window) {
    case CalendarWindow::second: return since / 1s;
    case CalendarWindow::minute: return since / 1min;
    case CalendarWindow::hour: return since / 1h;
    case CalendarWindow::day: return since / days(1);
    case CalendarWindow::month: return months();
    case CalendarWindow::year: return months() / 12;
  }
  return 0;
}

// The first moment of a window.
Timestamp start_of(CalendarWindow window, std::int64_t number) noexcept {
  const auto first_of_month = [](std::int64_t months) {
    const auto year = std::chrono::year(static_cast<int>(1970 + months / 12));
    return sys_days(year / std::chrono::month(static_cast<unsigned>(months % 12 + 1)) / 1);
  };
  switch (window) {
    case CalendarWindow::second: return Timestamp(number * 1s);
    case CalendarWindow::minute: return Timestamp(number * 1min);
    case CalendarWindow::hour: return Timestamp(number * 1h);
    case CalendarWindow::day: return Timestamp(days(number));
    case CalendarWindow::month: return first_of_month(number);
    case CalendarWindow::year: return first_of_month(number * 12);
  }
  return {};
}

// Where the count stands for a caller whose clock says `number`.
std::uint64_t current(std::uint64_t word, std::int64_t number) noexcept {
  const std::int64_t counted = number_of(word);
  const bool same = counted == number || counted == number + 1;
  return same ? word : pack(number, 0);
}

RateLimitSettings valid(RateLimitSettings settings) {
  config::require_valid(settings, "the rate limit");
  return settings;
}

}  // namespace

void TokenBucketSettings::describe(config::Section<TokenBucketSettings>& section) {
  using S = TokenBucketSettings;
  section.option("tokens", &S::tokens, "calls that come in `per`").range(1, kMostCalls);
  section.option("per", &S::per, "in which they come").range(1ms, days(1));
  section.option("burst", &S::burst, "calls at once after a rest").range(1, 100'000);
}

std::vector<std::string> TokenBucketSettings::violations() const {
  if (tokens <= per.count()) return {};
  return {fmt::format("tokens ({}) in {} are more than one a nanosecond: they limit nothing",
                      tokens, config::format_duration(per))};
}

void RateLimitSettings::describe(config::Section<RateLimitSettings>& section) {
  using S = RateLimitSettings;
  section.option("bucket", &S::bucket, "a steady rate with room for a burst");
  section.option("second", &S::second, "calls in a second").range(1, kMostCalls);
  section.option("minute", &S::minute, "calls in a minute").range(1, kMostCalls);
  section.option("hour", &S::hour, "calls in an hour").range(1, kMostCalls);
  section.option("day", &S::day, "calls in a day").range(1, kMostCalls);
  section.option("month", &S::month, "calls in a month").range(1, kMostCalls);
  section.option("year", &S::year, "calls in a year").range(1, kMostCalls);
}

std::vector<std::string> RateLimitSettings::violations() const {
  std::vector<std::string> out;
  const auto limits = limits_of(*this);
  std::optional<std::size_t> shorter;
  for (std::size_t i = 0; i < kCalendarWindows; ++i) {
    if (limits[i] == 0) continue;
    if (shorter && limits[i] < limits[*shorter]) {
      const auto name = [](std::size_t window) {
        return to_string(static_cast<CalendarWindow>(window));
      };
      out.push_back(fmt::format("{} ({}) is below {} ({}), which would never be reached", name(i),
                                limits[i], name(*shorter), limits[*shorter]));
    }
    shorter = i;
  }
  if (!shorter && !bucket) out.emplace_back("there is no bucket and no window: it limits nothing");
  return out;
}

std::string_view to_string(CalendarWindow window) noexcept {
  constexpr std::array<std::string_view, kCalendarWindows> names{"second", "minute", "hour",
                                                                 "day",    "month",  "year"};
  return names[std::to_underlying(window)];
}

Timestamp end_of(CalendarWindow window, Timestamp time) noexcept {
  return start_of(window, number_at(window, time) + 1);
}

RateLimiter::RateLimiter(const RateLimitSettings& settings) : limits_(limits_of(valid(settings))) {
  if (!settings.bucket) return;
  interval_ = settings.bucket->per / settings.bucket->tokens;
  depth_ = interval_ * settings.bucket->burst;
}

RateLimiter::Decision RateLimiter::try_acquire(Instant now, Timestamp wall) noexcept {
  for (std::size_t i = 0; i < kCalendarWindows; ++i) {
    if (limits_[i] == 0 || take(i, wall)) continue;
    give_back(i, wall);
    const auto window = static_cast<CalendarWindow>(i);
    return refuse(to_string(window), end_of(window, wall) - wall);
  }
  const Duration wait = take_token(now);
  if (wait == Duration::zero()) return {};
  give_back(kCalendarWindows, wall);
  return refuse("bucket", wait);
}

RateLimiter::Decision RateLimiter::refuse(std::string_view limit, Duration retry_after) noexcept {
  refused_.fetch_add(1, std::memory_order_relaxed);
  return {false, retry_after, limit};
}

bool RateLimiter::take(std::size_t window, Timestamp wall) noexcept {
  const std::int64_t number = number_at(static_cast<CalendarWindow>(window), wall);
  auto word = counts_[window].load(std::memory_order_relaxed);
  for (;;) {
    const auto counted = current(word, number);
    if (count_of(counted) >= limits_[window]) return false;
    if (counts_[window].compare_exchange_weak(word, counted + 1, std::memory_order_relaxed)) {
      return true;
    }
  }
}

// To the windows before `windows`, unless they have moved on.
void RateLimiter::give_back(std::size_t windows, Timestamp wall) noexcept {
  for (std::size_t i = 0; i < windows; ++i) {
    if (limits_[i] == 0) continue;
    const std::int64_t number = number_at(static_cast<CalendarWindow>(i), wall);
    auto word = counts_[i].load(std::memory_order_relaxed);
    while (current(word, number) == word && count_of(word) > 0) {
      if (counts_[i].compare_exchange_weak(word, word - 1, std::memory_order_relaxed)) break;
    }
  }
}

// Zero: taken; else how long until there is one.
Duration RateLimiter::take_token(Instant now) noexcept {
  if (interval_ == Duration::zero()) return Duration::zero();
  const std::int64_t at = now.time_since_epoch().count();
  std::int64_t full_at = full_at_.load(std::memory_order_relaxed);
  for (;;) {
    const std::int64_t after = std::max(full_at, at) + interval_.count();
    const Duration wait(after - at - depth_.count());
    if (wait > Duration::zero()) return wait;
    if (full_at_.compare_exchange_weak(full_at, after, std::memory_order_relaxed)) {
      return Duration::zero();
    }
  }
}

std::optional<std::int64_t> RateLimiter::left(CalendarWindow window,
                                              Timestamp wall) const noexcept {
  const auto index = std::to_underlying(window);
  if (limits_[index] == 0) return std::nullopt;
  const auto word = counts_[index].load(std::memory_order_relaxed);
  return limits_[index] - count_of(current(word, number_at(window, wall)));
}

}  // namespace sinew::resilience
