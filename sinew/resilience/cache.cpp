#include "sinew/resilience/cache.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sinew/base/config.hpp"

namespace sinew::resilience {
namespace {

using namespace std::chrono_literals;

CacheSettings valid(CacheSettings settings) {
  config::require_valid(settings, "the cache");
  return settings;
}

}  // namespace

void CacheSettings::describe(config::Section<CacheSettings>& section) {
  using S = CacheSettings;
  constexpr config::ByteSize kLeast{1U << 10U};
  constexpr config::ByteSize kMost{std::uint64_t{64} << 30U};
  section.option("max_entries", &S::max_entries, "answers kept").range(1, 100'000'000);
  section.option("max_bytes", &S::max_bytes, "of all keys and values").range(kLeast, kMost);
  section.option("max_entry_bytes", &S::max_entry_bytes, "a larger answer is not kept")
      .range(kLeast, kMost);
  section.option("fresh", &S::fresh, "age up to which an answer is given as it is")
      .range(1ms, std::chrono::hours(24 * 365));
  section
      .option("max_age_on_error", &S::max_age_on_error,
              "age up to which it is given when a new one cannot be had; 0: never")
      .range(0ms, std::chrono::hours(24 * 365));
  section.option("max_waiting", &S::max_waiting, "callers that wait for the call of another")
      .range(1, 1'000'000);
}

std::vector<std::string> CacheSettings::violations() const {
  std::vector<std::string> out;
  if (max_entry_bytes > max_bytes) {
    out.push_back(fmt::format("max_entry_bytes ({}) is above max_bytes ({}): no such entry fits",
                              config::format_byte_size(max_entry_bytes),
                              config::format_byte_size(max_bytes)));
  }
  if (max_age_on_error != 0ms && max_age_on_error <= fresh) {
    out.push_back(fmt::format("max_age_on_error ({}) is not above fresh ({}): it would never apply",
                              config::format_duration(max_age_on_error),
                              config::format_duration(fresh)));
  }
  return out;
}

Cache::Cache(const CacheSettings& settings) : settings_(valid(settings)) {}

Cache::Found Cache::find(std::string_view key, Instant now) noexcept {
  Found found = look(key, now);
  ++(found.freshness == Freshness::fresh ? counts_.hits : counts_.misses);
  return found;
}

Cache::Found Cache::find_on_error(std::string_view key, Instant now) noexcept {
  Found found = look(key, now);
  if (found.freshness != Freshness::missing) ++counts_.stale;
  return found;
}

Cache::Found Cache::look(std::string_view key, Instant now) noexcept {
  const auto found = places_.find(key);
  if (found == places_.end()) return {};
  const Place place = found->second;
  const Duration age = std::max(now - place->stored, Duration::zero());
  if (age > std::max(settings_.fresh, settings_.max_age_on_error)) {
    remove(place);
    return {};
  }
  entries_.splice(entries_.begin(), entries_, place);
  return {age <= settings_.fresh ? Freshness::fresh : Freshness::stale, place->value, age};
}

bool Cache::put(std::string_view key, Value value, std::uint64_t bytes, Instant now) {
  erase(key);
  const std::uint64_t limit = settings_.max_entry_bytes.bytes;
  const std::uint64_t overhead = key.size() + kEntryBytes;
  if (bytes > limit || overhead > limit - bytes) {
    ++counts_.too_large;
    return false;
  }
  const std::uint64_t added = bytes + overhead;
  while (!entries_.empty() &&
         (entries_.size() >= static_cast<std::uint64_t>(settings_.max_entries) ||
          bytes_ + added > settings_.max_bytes.bytes)) {
    remove(std::prev(entries_.end()));
    ++counts_.evicted;
  }
  entries_.push_front({std::string(key), std::move(value), added, now});
  try {
    places_.emplace(entries_.front().key, entries_.begin());
  } catch (...) {
    entries_.pop_front();
    throw;
  }
  bytes_ += added;
  return true;
}

bool Cache::erase(std::string_view key) noexcept {
  const auto found = places_.find(key);
  if (found == places_.end()) return false;
  remove(found->second);
  return true;
}

void Cache::remove(Place place) noexcept {
  bytes_ -= place->bytes;
  places_.erase(place->key);
  entries_.erase(place);
}

std::size_t Cache::clear() noexcept {
  const std::size_t count = entries_.size();
  places_.clear();
  entries_.clear();
  bytes_ = 0;
  return count;
}

Cache::Snapshot Cache::snapshot() const noexcept {
  Snapshot out = counts_;
  out.entries = entries_.size();
  out.bytes = bytes_;
  return out;
}

}  // namespace sinew::resilience
