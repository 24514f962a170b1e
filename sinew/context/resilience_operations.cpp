#include "sinew/context/resilience_operations.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <optional>

#include "sinew/base/described.hpp"
#include "sinew/base/error.hpp"
#include "sinew/resilience/pipeline_engine.hpp"

namespace sinew::context {

using resilience::Forcing;
using resilience::PipelineEngine;
using resilience::PipelineRegistry;
using resilience::Step;

namespace {

struct PipelineArguments {
  std::string pipeline;
  std::string breaker;
  bool clear_cache = false;
  std::string reason;
};
BOOST_DESCRIBE_STRUCT(PipelineArguments, (), (pipeline, breaker, clear_cache, reason))
constexpr auto constraints(const PipelineArguments*) {
  return sinew::constraints(field(&PipelineArguments::pipeline, length(0, 40), defaulted()),
                            field(&PipelineArguments::breaker, length(0, 20), defaulted()),
                            field(&PipelineArguments::clear_cache, defaulted()),
                            field(&PipelineArguments::reason, length(0, 500), defaulted()));
}

Json list_pipelines(const PipelineRegistry& pipelines, const PipelineArguments& arguments) {
  JsonArray rows;
  if (!arguments.pipeline.empty()) {
    rows.push_back(pipelines.find(arguments.pipeline).state());
  } else {
    for (const PipelineEngine* pipeline : pipelines.all())
      rows.push_back(pipeline->state());
  }
  JsonObject answer;
  answer.set("pipelines", std::move(rows));
  return answer;
}

std::optional<Forcing> forcing_of(const PipelineArguments& arguments) {
  if (arguments.breaker.empty()) return std::nullopt;
  for (const Forcing each : {Forcing::open, Forcing::closed, Forcing::automatic}) {
    if (arguments.breaker == to_string(each)) return each;
  }
  throw Error(
      Condition::invalid_input,
      fmt::format("breaker: got {}, expected open, closed or automatic", arguments.breaker));
}

void require_steps(const PipelineEngine& pipeline, bool breaker, bool cache) {
  if (!breaker && !cache) {
    throw Error(Condition::invalid_input, "say what to force: breaker, clear_cache or both");
  }
  const auto lacks = [&](bool wanted, Step step) {
    if (!wanted || pipeline.has(step)) return;
    throw Error(Condition::invalid_input,
                fmt::format("{} has no {}", pipeline.name(), to_string(step)));
  };
  lacks(breaker, Step::breaker);
  lacks(cache, Step::cache);
}

Json force(const PipelineRegistry& pipelines, const std::string& actor,
           const PipelineArguments& arguments) {
  PipelineEngine& pipeline = pipelines.find(arguments.pipeline);
  const auto forcing = forcing_of(arguments);
  require_steps(pipeline, forcing.has_value(), arguments.clear_cache);
  if (forcing) pipeline.force_breaker(*forcing);
  const std::size_t cleared = arguments.clear_cache ? pipeline.clear_cache() : 0;
  pipelines.log().warn("an operator forced a pipeline", {{"actor", actor},
                                                         {"pipeline", pipeline.name()},
                                                         {"breaker", arguments.breaker},
                                                         {"cleared", cleared},
                                                         {"reason", arguments.reason}});
  JsonObject answer;
  answer.set("pipeline", pipeline.state());
  answer.set("cleared", static_cast<std::int64_t>(cleared));
  return answer;
}

}  // namespace

Json operate_on_pipelines(PipelineRegistry& pipelines, const std::string& operation,
                          const std::string& actor, const Json& arguments) {
  const auto read = from_json<PipelineArguments>(arguments, ReadMode::strict);
  if (operation == "resilience.list") return list_pipelines(pipelines, read);
  if (operation == "resilience.force") return force(pipelines, actor, read);
  throw Error(Condition::not_found, fmt::format("there is no operation {}", operation));
}

void refuse_without_host(const std::string& operation) {
  throw Error(Condition::unavailable,
              fmt::format("{} asks a running host: pipelines live in its memory, and what was "
                          "forced was forgotten when it stopped; start the system first",
                          operation));
}

}  // namespace sinew::context
