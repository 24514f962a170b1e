#include "sinew/proxy/cluster/idle_time.hpp"

#include <algorithm>
#include <charconv>

namespace sinew::proxy {
namespace {

using namespace std::chrono_literals;

constexpr int kMaxTimeout = 86'400;
constexpr int kMaxRequests = 1'000'000;

// A second, as much as a request may need to arrive; half of what is shorter than two.
Duration short_of(Duration timeout) noexcept {
  if (timeout == Duration::max()) return timeout;
  return std::max(IdleTime::kLeast, timeout - std::min<Duration>(1s, timeout / 2));
}

std::string_view trim(std::string_view text) noexcept {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool is_name(std::string_view text, std::string_view lower) noexcept {
  return std::ranges::equal(text, lower, [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
  });
}

std::optional<int> number(std::string_view text, int most) noexcept {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return std::min(value, most);
}

}  // namespace

KeepAlive parse_keep_alive(std::string_view value) noexcept {
  KeepAlive found;
  while (!value.empty()) {
    const auto comma = std::min(value.find(','), value.size());
    const auto parameter = value.substr(0, comma);
    value.remove_prefix(std::min(comma + 1, value.size()));
    const auto equals = parameter.find('=');
    if (equals == std::string_view::npos) continue;
    const auto name = trim(parameter.substr(0, equals));
    const auto text = trim(parameter.substr(equals + 1));
    if (is_name(name, "timeout")) {
      if (const auto seconds = number(text, kMaxTimeout)) found.timeout = *seconds * 1s;
    } else if (is_name(name, "max")) {
      if (const auto requests = number(text, kMaxRequests)) found.max = requests;
    }
  }
  return found;
}

void IdleTime::closed_after(Duration idle, Instant now) noexcept {
  const auto apart = idle > last_close_ ? idle - last_close_ : last_close_ - idle;
  if (last_close_ > 0s && apart <= std::max(idle / 10, Duration(50ms))) {
    observed_ = std::min(idle, last_close_);
    observed_at_ = now;
  }
  last_close_ = idle;
}

Duration IdleTime::limit(Duration configured, Instant now) const noexcept {
  auto least = std::min(configured, short_of(offered_));
  if (now - observed_at_ < kForgetAfter) least = std::min(least, short_of(observed_));
  return least;
}

}  // namespace sinew::proxy
