#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sinew/base/metrics.hpp"
#include "sinew/context/saga_operations.hpp"
#include "sinew/store/projection_runner.hpp"

namespace sinew::context {

// Those of a context that runs; none on a stopped folder.
using ProjectionRunners = std::span<const std::unique_ptr<store::ProjectionRunner>>;

// The operations `projection.<what>`:
//
//   projection.list     {}                                -> {projections: [...]}
//   projection.show     {projection, limit?}   -> {projection: {...}, held: [...], skipped: [...]}
//   projection.resume   {projection, key?, reason?}       -> {projection: {...}}
//   projection.skip     {projection, event, reason}       -> {projection: {...}}
//   projection.rebuild  {projection, cancel?, reason?}    -> {projection: {...}}
//
// Each change is one transaction with its audit record, and has the runner look at once. Errors:
// not_found (no such operation, projection or key), invalid_input (arguments), conflict and
// unsupported as of store/projection_verbs.hpp.
Task<Json> operate_on_projections(Call call, std::string what, ProjectionRunners runners);

// What is wrong with a projection, for health; empty when nothing is.
std::vector<std::string> problems_of(const store::ProjectionRunner& runner);

// Brings the gauges of a context's projections up to date.
Task<void> measure_projections(std::string context, async::Runtime& runtime,
                               store::Database& database, ProjectionRunners runners,
                               metrics::Registry& metrics);

}  // namespace sinew::context
