#include "sinew/resilience/pipeline_registry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sinew/base/error.hpp"
#include "sinew/base/suggest.hpp"
#include "sinew/resilience/pipeline_engine.hpp"

namespace sinew::resilience {

PipelineRegistry::PipelineRegistry(async::Runtime& runtime, metrics::Registry& metrics,
                                   std::string context, log::Logger log)
    : runtime_(runtime), metrics_(metrics), context_(std::move(context)), log_(std::move(log)) {}

PipelineEngine& PipelineRegistry::find(std::string_view name) const {
  std::vector<std::string> names;
  for (PipelineEngine* pipeline : pipelines_) {
    if (pipeline->name() == name) return *pipeline;
    names.push_back(pipeline->name());
  }
  throw Error(Condition::not_found,
              names.empty() ? fmt::format("{} has no pipelines", context_)
                            : fmt::format("{} has no pipeline {}{}; it has {}", context_, name,
                                          did_you_mean(name, names), fmt::join(names, ", ")));
}

void PipelineRegistry::measure() const {
  for (PipelineEngine* pipeline : pipelines_)
    pipeline->measure();
}

void PipelineRegistry::add(PipelineEngine& pipeline) {
  for (const PipelineEngine* other : pipelines_) {
    if (other->name() != pipeline.name()) continue;
    throw Error(Condition::conflict,
                fmt::format("{} has a pipeline {} already", context_, pipeline.name()));
  }
  pipelines_.push_back(&pipeline);
}

void PipelineRegistry::remove(PipelineEngine& pipeline) noexcept {
  std::erase(pipelines_, &pipeline);
}

}  // namespace sinew::resilience
