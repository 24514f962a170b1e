#pragma once

#include <string>
#include <string_view>

#include "sinew/async/runtime.hpp"
#include "sinew/async/task.hpp"
#include "sinew/base/json.hpp"
#include "sinew/store/database.hpp"

namespace sinew::context {

// What an operator can ask of one context's database, by name and JSON arguments, with a JSON
// answer: the same code behind the operator API of a running host and behind `sinew` on a stopped
// folder.
//
//   saga.list        {definition?, status?, limit?}              -> {sagas: [...]}
//   saga.show        {definition?, id}                           -> {saga: {...}, history: [...]}
//   saga.retry       {definition?, id, reason?}                  -> {requested: {...}}
//   saga.skip, saga.compensate  likewise
//   saga.resolve     {definition?, id, result, reason?}          -> {requested: {...}}
//   dlq.list         {consumer?, type?, key?, reason?, all?, limit?, after?} -> {messages: [...]}
//   dlq.show         {id}                                        -> {message: {...}}
//   dlq.replay       {ids?|consumer?, type?, key?, reason?, all?, dry_run?, why?} -> {messages: n}
//   dlq.discard      likewise
//   audit.list       {limit?}                                    -> {entries: [...]}
//
// resilience.* (resilience_operations.hpp) is refused here, with unavailable: it asks a running
// host.
//
// Errors: not_found (no such operation, saga or message), invalid_input (arguments, each with its
// path), conflict (the saga is finished). Changing operations are one transaction with their audit
// record.
Task<Json> operate(async::Runtime& runtime, store::Database& database, std::string operation,
                   std::string actor, Json arguments);

}  // namespace sinew::context
