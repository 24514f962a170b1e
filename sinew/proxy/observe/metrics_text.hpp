#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace sinew::proxy {

// Writes Prometheus' text format 0.0.4. What is asked of many clusters and routes at a scrape goes
// straight into the text: a metrics::Registry would build a series of its own for each sample.
class MetricsText {
 public:
  using Label = std::pair<std::string_view, std::string_view>;  // name, value (any text)
  using Labels = std::initializer_list<Label>;

  explicit MetricsText(std::string& out) : out_(out) {}

  // The samples that follow are of this family. `name` is used until the next one.
  MetricsText& counter(std::string_view name, std::string_view help);
  MetricsText& gauge(std::string_view name, std::string_view help);
  MetricsText& histogram(std::string_view name, std::string_view help);

  MetricsText& sample(Labels labels, double value);
  MetricsText& sample(Labels labels, std::uint64_t value);
  // Of a histogram: `suffix` is _bucket, _sum or _count.
  MetricsText& part(std::string_view suffix, Labels labels, double value);
  MetricsText& part(std::string_view suffix, Labels labels, std::uint64_t value);

 private:
  MetricsText& family(std::string_view name, std::string_view help, std::string_view type);
  void begin(std::string_view suffix, Labels labels);

  std::string& out_;
  std::string name_;
};

}  // namespace sinew::proxy
