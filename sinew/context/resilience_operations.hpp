#pragma once

#include <string>

#include "sinew/base/json.hpp"
#include "sinew/resilience/pipeline_registry.hpp"

namespace sinew::context {

// What an operator can ask of the pipelines of a running context, as operations.hpp for its
// database:
//
//   resilience.list   {pipeline?}                                    -> {pipelines: [...]}
//   resilience.force  {pipeline, breaker?, clear_cache?, reason?}    -> {pipeline: {...}, cleared}
//
// `breaker` is open, closed or automatic. What is forced is written to the context's log with who
// asked and why, and forgotten when the process ends. Errors: not_found (no such operation or
// pipeline), invalid_input (arguments, or the pipeline has no such step; then nothing was done).
Json operate_on_pipelines(resilience::PipelineRegistry& pipelines, const std::string& operation,
                          const std::string& actor, const Json& arguments);

// For a context that does not run: Error unavailable, with what to do.
[[noreturn]] void refuse_without_host(const std::string& operation);

}  // namespace sinew::context
