#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sinew/async/runtime.hpp"
#include "sinew/base/json.hpp"
#include "sinew/base/log.hpp"
#include "sinew/base/metrics.hpp"

namespace sinew::resilience {

class PipelineEngine;

// The pipelines of one context, for its operator. Lives on the context's worker and outlives them.
class PipelineRegistry {
 public:
  PipelineRegistry(async::Runtime& runtime, metrics::Registry& metrics, std::string context,
                   log::Logger log);
  PipelineRegistry(const PipelineRegistry&) = delete;
  PipelineRegistry& operator=(const PipelineRegistry&) = delete;

  // In the order they were made.
  const std::vector<PipelineEngine*>& all() const noexcept { return pipelines_; }
  // Throws Error not_found, with the names there are.
  PipelineEngine& find(std::string_view name) const;
  // Brings the gauges up to date.
  void measure() const;

  async::Runtime& runtime() const noexcept { return runtime_; }
  metrics::Registry& metrics() const noexcept { return metrics_; }
  const std::string& context() const noexcept { return context_; }
  const log::Logger& log() const noexcept { return log_; }

 private:
  friend PipelineEngine;
  void add(PipelineEngine& pipeline);  // Error conflict when the name is taken
  void remove(PipelineEngine& pipeline) noexcept;

  async::Runtime& runtime_;
  metrics::Registry& metrics_;
  std::string context_;
  log::Logger log_;
  std::vector<PipelineEngine*> pipelines_;
};

}  // namespace sinew::resilience
