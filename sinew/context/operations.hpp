#pragma once

#include <string>
#include <string_view>

#include "sinew/async/runtime.hpp"
#include "sinew/async/task.hpp"
#include "sinew/base/json.hpp"
#include "sinew/saga/orchestrator.hpp"
#include "sinew/store/database.hpp"

namespace sinew::context {

// What an operator can ask of one context's database, by name and JSON arguments, with a JSON
// answer: the same code behind the operator API of a running host and behind `sinew` on a stopped
// folder.
//
//   saga.list        {definition?, status?, limit?}              -> {sagas: [...]}
//   saga.show        {definition?, id}                -> {saga: {...}, next: [...], history: [...]}
//   saga.retry       {definition?, id, reason?}                  -> {requested: {...}}
//   saga.skip, saga.compensate  likewise
//   saga.resolve     {definition?, id, result, reason?}          -> {requested: {...}}
//   saga.edit        {definition?, id, data, reason?}            -> {requested: {...}}
//   saga.migrate     {definition, to, ids?|all, after?, dry_run?, reason?} -> {requested: [...],
//                    sagas: [...], after?}: at most 1000 a call; `after` when there may be more
//   saga.outcome     {request}                        -> {state: pending|done|refused, refusal?}
//   saga.locks       {limit?}                                    -> {locks: [...]}
//   saga.unlock      {resource, reason?}                         -> {unlocked: resource}
//   trace.show       {correlation?|key?}                         -> {entries: [...]}, by time
//   dlq.list         {consumer?, type?, key?, reason?, all?, limit?, after?} -> {messages: [...]}
//   dlq.show         {id}                                        -> {message: {...}}
//   dlq.replay       {ids?|consumer?, type?, key?, reason?, all?, dry_run?, why?} -> {messages: n}
//   dlq.discard      likewise
//   projection.*     see projection_operations.hpp
//   audit.list       {limit?}                                    -> {entries: [...]}
//
// resilience.* (resilience_operations.hpp) is refused here, with unavailable: it asks a running
// host.
//
// Errors: not_found (no such operation, saga or message), invalid_input (arguments, each with its
// path), conflict (the saga's row refuses the verb already), unsupported (a dry run of a migration
// without `sagas`, which knows the definitions: that of a running host). Changing operations are
// one transaction with their audit record.
Task<Json> operate(async::Runtime& runtime, store::Database& database, std::string operation,
                   std::string actor, Json arguments, const saga::Orchestrator* sagas = nullptr);

}  // namespace sinew::context
