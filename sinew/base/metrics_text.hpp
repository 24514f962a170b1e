#pragma once

#include <span>
#include <string>
#include <string_view>

#include "sinew/base/metrics.hpp"

// The lines of Prometheus' text format 0.0.4, for metrics.cpp alone.
namespace sinew::metrics {

struct Labels {
  std::span<const std::string> names;
  std::span<const std::string> values;
};

void append_header(std::string& out, std::string_view name, std::string_view help,
                   std::string_view type);
void append_series(std::string& out, std::string_view name, Labels labels, const Counter& counter);
void append_series(std::string& out, std::string_view name, Labels labels, const Gauge& gauge);
void append_series(std::string& out, std::string_view name, Labels labels,
                   const Histogram& histogram);

}  // namespace sinew::metrics
