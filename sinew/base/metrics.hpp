#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Counters, gauges and histograms in Prometheus' text format. A registry belongs to its host, there
// is no global one. Instruments never move and live as long as the registry: look one up once,
// keep the reference, and count with relaxed atomics from any thread.
//
//   auto& answers = registry.counters("http_answers_total", "Answers sent.", {"status"});
//   auto& ok = answers.with({"200"});
//   ok.add();
namespace sinew::metrics {

inline constexpr std::size_t kMaxFamilies = 2'000;     // a registry
inline constexpr std::size_t kMaxLabels = 8;           // a family
inline constexpr std::size_t kDefaultMaxSeries = 200;  // label sets a family
inline constexpr std::size_t kMaxLabelBytes = 128;     // a label value; longer ones are cut
inline constexpr std::string_view kOther = "other";    // stands for label sets beyond the limit

class Counter {
 public:
  void add(std::uint64_t amount = 1) noexcept {
    value_.fetch_add(amount, std::memory_order_relaxed);
  }
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_ = 0;
};

class Gauge {
 public:
  void set(double value) noexcept { value_.store(value, std::memory_order_relaxed); }
  void add(double amount) noexcept { value_.fetch_add(amount, std::memory_order_relaxed); }
  double value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_ = 0;
};

// `bounds` are the inclusive upper ends of the buckets; a last one without end is implied.
class Histogram {
 public:
  explicit Histogram(std::span<const double> bounds);

  // NaN is not a measurement and is dropped: it would poison the sum for ever.
  void observe(double value) noexcept;

  const std::vector<double>& bounds() const noexcept { return bounds_; }
  // Values in bucket `index` alone, not cumulative; bounds().size() is the last bucket.
  std::uint64_t in_bucket(std::size_t index) const noexcept;
  std::uint64_t count() const noexcept;
  double sum() const noexcept { return sum_.load(std::memory_order_relaxed); }

 private:
  std::vector<double> bounds_;
  std::vector<std::atomic<std::uint64_t>> buckets_;
  std::atomic<double> sum_ = 0;
};

// Seconds, 0.1 ms to 10 s in steps of 1, 2.5, 5: from one local commit to the slowest request.
std::span<const double> latency_buckets() noexcept;

struct FamilySpec {
  std::string name;  // [a-zA-Z_:][a-zA-Z0-9_:]*
  std::string help;
  std::vector<std::string> labels;  // [a-zA-Z_][a-zA-Z0-9_]*, not starting with __
  std::size_t max_series = kDefaultMaxSeries;
  std::vector<double> buckets = {};  // histograms only

  bool operator==(const FamilySpec&) const = default;
};

using LabelValues = std::initializer_list<std::string_view>;

// What families of every type share: names, help, and the account of refused label sets.
class FamilyBase {
 public:
  FamilyBase(const FamilyBase&) = delete;
  FamilyBase& operator=(const FamilyBase&) = delete;
  virtual ~FamilyBase() = default;

  const FamilySpec& spec() const noexcept { return spec_; }
  // Look-ups that were answered with the `other` series.
  std::uint64_t overflowed() const noexcept { return overflow_.value(); }

  virtual std::string_view type() const noexcept = 0;
  virtual void expose(std::string& out) const = 0;

 protected:
  explicit FamilyBase(FamilySpec spec) : spec_(std::move(spec)) {}

  using Key = std::vector<std::string>;
  Key key_of(LabelValues values) const;
  Key other_key() const { return Key(spec_.labels.size(), std::string(kOther)); }

  FamilySpec spec_;
  Counter overflow_;
};

template <class Instrument>
class Family final : public FamilyBase {
 public:
  explicit Family(FamilySpec spec) : FamilyBase(std::move(spec)) {}

  // The instrument of these values, one a label in the order of the labels' names. Beyond
  // max_series different sets all of them share one, whose values are `other`. Takes a lock and
  // may allocate: keep the reference. Throws Error invalid_input for a wrong number of values.
  Instrument& with(LabelValues values);

  std::string_view type() const noexcept override;
  void expose(std::string& out) const override;

 private:
  Instrument& find_or_add(Key key);

  mutable std::mutex mutex_;
  std::map<Key, std::unique_ptr<Instrument>> series_;  // ordered: the text is stable
};

extern template class Family<Counter>;
extern template class Family<Gauge>;
extern template class Family<Histogram>;

// Naming a family again with the same type, labels, limit and buckets gives the same family; with
// others it throws Error conflict. Malformed names throw invalid_input, more than kMaxFamilies
// throw exhausted. Safe from any thread.
class Registry {
 public:
  Counter& counter(std::string name, std::string help);
  Gauge& gauge(std::string name, std::string help);
  Histogram& histogram(std::string name, std::string help,
                       std::span<const double> buckets = latency_buckets());

  Family<Counter>& counters(std::string name, std::string help, std::vector<std::string> labels,
                            std::size_t max_series = kDefaultMaxSeries);
  Family<Gauge>& gauges(std::string name, std::string help, std::vector<std::string> labels,
                        std::size_t max_series = kDefaultMaxSeries);
  Family<Histogram>& histograms(std::string name, std::string help, std::vector<std::string> labels,
                                std::span<const double> buckets = latency_buckets(),
                                std::size_t max_series = kDefaultMaxSeries);

  // All families by name in the text format 0.0.4 (prometheus.io, "Exposition formats"); families
  // that had to use `other` are told in sinew_metrics_overflow_total.
  std::string expose() const;

  static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

 private:
  template <class Instrument>
  Family<Instrument>& family(FamilySpec spec);
  void refuse_taken_names(const FamilyBase& added) const;

  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<FamilyBase>, std::less<>> families_;
};

}  // namespace sinew::metrics
