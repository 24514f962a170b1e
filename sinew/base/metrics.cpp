#include "sinew/base/metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "sinew/base/error.hpp"
#include "sinew/base/metrics_text.hpp"
#include "sinew/base/utf8.hpp"

namespace sinew::metrics {
namespace {

constexpr std::size_t kMaxBuckets = 64;

bool letter(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool digit(char c) noexcept { return c >= '0' && c <= '9'; }

bool metric_name(std::string_view name) noexcept {
  return !name.empty() && !digit(name[0]) &&
         std::ranges::all_of(name, [](char c) { return letter(c) || digit(c) || c == ':'; });
}

bool label_name(std::string_view name) noexcept {
  return !name.empty() && !digit(name[0]) && !name.starts_with("__") &&
         std::ranges::all_of(name, [](char c) { return letter(c) || digit(c); });
}

[[noreturn]] void refuse(const FamilySpec& spec, std::string_view why) {
  throw Error(Condition::invalid_input, fmt::format("metric `{}`: {}", spec.name, why));
}

void check(const FamilySpec& spec, bool histogram) {
  if (!metric_name(spec.name)) refuse(spec, "a name is letters, digits, _ and :, no digit first");
  if (spec.labels.size() > kMaxLabels) refuse(spec, "at most 8 labels are allowed");
  if (spec.max_series == 0) refuse(spec, "max_series is at least 1");
  auto labels = spec.labels;
  std::ranges::sort(labels);
  if (std::ranges::adjacent_find(labels) != labels.end()) refuse(spec, "a label is named twice");
  for (const auto& label : labels) {
    if (!label_name(label)) {
      refuse(spec, "a label is letters, digits and _, starting with no digit and not with __");
    }
    if (histogram && label == "le") refuse(spec, "`le` is the histogram's own label");
  }
  const auto& bounds = spec.buckets;
  if (!histogram) return;
  if (bounds.empty() || bounds.size() > kMaxBuckets) refuse(spec, "give 1 to 64 buckets");
  if (!std::ranges::all_of(bounds, [](double bound) { return std::isfinite(bound); }) ||
      std::ranges::adjacent_find(bounds, std::greater_equal()) != bounds.end()) {
    refuse(spec, "buckets are finite and strictly increasing");
  }
}

template <class Instrument>
constexpr std::string_view kType = "counter";
template <>
constexpr std::string_view kType<Gauge> = "gauge";
template <>
constexpr std::string_view kType<Histogram> = "histogram";

// A histogram `x` also writes these lines, so no other family may have their names.
bool owns(const FamilyBase& family, std::string_view name) {
  if (family.type() != kType<Histogram>) return false;
  const auto& own = family.spec().name;
  if (!name.starts_with(own)) return false;
  const auto suffix = name.substr(own.size());
  return suffix == "_bucket" || suffix == "_sum" || suffix == "_count";
}

}  // namespace

Histogram::Histogram(std::span<const double> bounds)
    : bounds_(bounds.begin(), bounds.end()), buckets_(bounds.size() + 1) {}

void Histogram::observe(double value) noexcept {
  if (std::isnan(value)) return;
  const auto at = std::ranges::lower_bound(bounds_, value) - bounds_.begin();
  buckets_[static_cast<std::size_t>(at)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

std::uint64_t Histogram::in_bucket(std::size_t index) const noexcept {
  return buckets_[index].load(std::memory_order_relaxed);
}

std::uint64_t Histogram::count() const noexcept {
  std::uint64_t total = 0;
  for (const auto& bucket : buckets_)
    total += bucket.load(std::memory_order_relaxed);
  return total;
}

std::span<const double> latency_buckets() noexcept {
  static constexpr double kBounds[] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                       0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10};
  return kBounds;
}

FamilyBase::Key FamilyBase::key_of(LabelValues values) const {
  if (values.size() != spec_.labels.size()) {
    refuse(spec_, fmt::format("{} label values were given for {} labels", values.size(),
                              spec_.labels.size()));
  }
  Key key;
  key.reserve(values.size());
  for (const auto value : values)
    key.emplace_back(utf8_prefix(value, kMaxLabelBytes));
  return key;
}

template <class Instrument>
Instrument& Family<Instrument>::with(LabelValues values) {
  auto key = key_of(values);
  const std::lock_guard lock(mutex_);
  if (const auto it = series_.find(key); it != series_.end()) return *it->second;
  // The place of `other` is in addition to max_series: it is there when it is needed.
  const std::size_t taken = series_.size() - series_.count(other_key());
  if (taken < spec_.max_series) return find_or_add(std::move(key));
  overflow_.add();
  return find_or_add(other_key());
}

template <class Instrument>
Instrument& Family<Instrument>::find_or_add(Key key) {
  auto& slot = series_[std::move(key)];
  if (!slot) {
    if constexpr (std::same_as<Instrument, Histogram>) {
      slot = std::make_unique<Histogram>(spec_.buckets);
    } else {
      slot = std::make_unique<Instrument>();
    }
  }
  return *slot;
}

template <class Instrument>
std::string_view Family<Instrument>::type() const noexcept {
  return kType<Instrument>;
}

template <class Instrument>
void Family<Instrument>::expose(std::string& out) const {
  const std::lock_guard lock(mutex_);
  if (series_.empty()) return;
  append_header(out, spec_.name, spec_.help, type());
  for (const auto& [key, instrument] : series_) {
    append_series(out, spec_.name, {spec_.labels, key}, *instrument);
  }
}

template class Family<Counter>;
template class Family<Gauge>;
template class Family<Histogram>;

void Registry::refuse_taken_names(const FamilyBase& added) const {
  for (const auto& [name, family] : families_) {
    if (owns(*family, added.spec().name) || owns(added, name)) {
      throw Error(Condition::conflict,
                  fmt::format("metric `{}` would write lines of the other metric `{}`: rename one",
                              added.spec().name, name));
    }
  }
}

template <class Instrument>
Family<Instrument>& Registry::family(FamilySpec spec) {
  check(spec, std::same_as<Instrument, Histogram>);
  const std::lock_guard lock(mutex_);
  if (const auto it = families_.find(spec.name); it != families_.end()) {
    auto* known = dynamic_cast<Family<Instrument>*>(it->second.get());
    if (known != nullptr && known->spec() == spec) return *known;
    throw Error(Condition::conflict,
                fmt::format("metric `{}` is registered as a {} already, with another type, help, "
                            "labels, limit or buckets",
                            spec.name, it->second->type()));
  }
  if (families_.size() == kMaxFamilies) {
    throw Error(Condition::exhausted,
                "a registry holds at most 2000 metric families; what varies "
                "belongs into a label");
  }
  auto name = spec.name;
  auto added = std::make_unique<Family<Instrument>>(std::move(spec));
  refuse_taken_names(*added);
  auto& result = *added;
  families_.emplace(std::move(name), std::move(added));
  return result;
}

Counter& Registry::counter(std::string name, std::string help) {
  return counters(std::move(name), std::move(help), {}).with({});
}

Gauge& Registry::gauge(std::string name, std::string help) {
  return gauges(std::move(name), std::move(help), {}).with({});
}

Histogram& Registry::histogram(std::string name, std::string help,
                               std::span<const double> buckets) {
  return histograms(std::move(name), std::move(help), {}, buckets).with({});
}

Family<Counter>& Registry::counters(std::string name, std::string help,
                                    std::vector<std::string> labels, std::size_t max_series) {
  return family<Counter>({std::move(name), std::move(help), std::move(labels), max_series});
}

Family<Gauge>& Registry::gauges(std::string name, std::string help, std::vector<std::string> labels,
                                std::size_t max_series) {
  return family<Gauge>({std::move(name), std::move(help), std::move(labels), max_series});
}

Family<Histogram>& Registry::histograms(std::string name, std::string help,
                                        std::vector<std::string> labels,
                                        std::span<const double> buckets, std::size_t max_series) {
  return family<Histogram>({std::move(name), std::move(help), std::move(labels), max_series,
                            std::vector<double>(buckets.begin(), buckets.end())});
}

std::string Registry::expose() const {
  constexpr std::string_view kOverflow = "sinew_metrics_overflow_total";
  const std::lock_guard lock(mutex_);
  std::string out;
  std::string overflow;
  const std::vector<std::string> labels = {"metric"};
  for (const auto& [name, family] : families_) {
    family->expose(out);
    if (family->overflowed() == 0) continue;
    Counter count;
    count.add(family->overflowed());
    append_series(overflow, kOverflow, {labels, std::vector{name}}, count);
  }
  if (!overflow.empty()) {
    append_header(out, kOverflow, "Look-ups of label sets beyond the metric's limit.", "counter");
    out += overflow;
  }
  return out;
}

}  // namespace sinew::metrics
