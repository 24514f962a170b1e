#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "examples/commerce/books/audit.hpp"
#include "examples/commerce/books/statement.hpp"
#include "examples/commerce/program/settings.hpp"
#include "examples/commerce/reporting/contract/books.hpp"
#include "sinew/async/runtime.hpp"
#include "sinew/async/task.hpp"

namespace commerce::program {

// What a context, or the broker, has under way, by its own tables: so it is the same for a running
// system and a stopped one.
struct Pending {
  std::int64_t messages = 0;       // in the outbox, to be tried again, or with the broker
  std::int64_t running_sagas = 0;  // and compensating
  std::int64_t parked = 0;
  std::int64_t stuck_sagas = 0;
  std::int64_t behind = 0;  // events that views are to take yet
  std::int64_t stalled_views = 0;
  std::int64_t position = 0;  // grows with every event or message written
  friend bool operator==(const Pending&, const Pending&) = default;
};
using Motion = std::map<std::string, Pending>;  // by context, and `broker`

// Nothing is under way in either of two looks and nothing moved in between. What is parked, stuck
// or stalled waits for an operator, and so is at rest.
bool at_rest(const Motion& before, const Motion& after);
// What moves, in words: "sales: 3 messages, 1 sagas, 0 events on their way to views".
std::string describe_motion(const Motion& motion);

// Errors of all three: not_found (no such system), unavailable (busy), corrupt, unsupported.
sinew::Task<Motion> look_at_motion(sinew::async::Runtime& runtime, std::filesystem::path folder);
// What every context says, and the sandbox provider by its own list (as `provider`).
sinew::Task<std::vector<books::ContextAudit>> collect_audits(sinew::async::Runtime& runtime,
                                                             std::filesystem::path folder,
                                                             Provider provider);
sinew::Task<std::vector<reporting::RegisterBatch>> collect_batches(sinew::async::Runtime& runtime,
                                                                   std::filesystem::path folder);

std::vector<books::OpenWork> open_work(const Motion& motion);

}  // namespace commerce::program
