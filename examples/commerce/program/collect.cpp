#include "examples/commerce/program/collect.hpp"

#include <fmt/format.h>

#include <functional>
#include <memory>
#include <utility>

#include "adapters/sqlite/backend.hpp"
#include "adapters/sqlite/broker/tables.hpp"
#include "adapters/sqlite/read_only.hpp"
#include "examples/commerce/fulfillment/audit.hpp"
#include "examples/commerce/inventory/audit.hpp"
#include "examples/commerce/payment/audit.hpp"
#include "examples/commerce/program/layout.hpp"
#include "examples/commerce/program/provider_audit.hpp"
#include "examples/commerce/reporting/audit.hpp"
#include "examples/commerce/reporting/batches.hpp"
#include "examples/commerce/sales/audit.hpp"
#include "sinew/messaging/dead_letters.hpp"
#include "sinew/saga/instances.hpp"
#include "sinew/store/event_log.hpp"
#include "sinew/store/outbox.hpp"
#include "sinew/store/projection_verbs.hpp"

namespace commerce::program {
namespace {

namespace fs = std::filesystem;
using sinew::Task;
using sinew::async::Runtime;
using sinew::store::Transaction;

using Audit = std::function<Task<books::ContextAudit>(sinew::store::Database&)>;

Audit audit_of(std::string_view context) {
  if (context == "sales") return sales::audit;
  if (context == "inventory") return inventory::audit;
  if (context == "payment") return payment::audit;
  if (context == "fulfillment") return fulfillment::audit;
  return reporting::audit;
}

Task<std::unique_ptr<sinew::store::Database>> open(Runtime& runtime, std::string path) {
  sinew::sqlite::Settings settings;
  settings.path = std::move(path);
  return sinew::sqlite::open_read_only(runtime, std::move(settings));
}

std::string database_of(const fs::path& folder, std::string_view context) {
  return sinew::sqlite::Backend::database_path(folder / context);
}

Task<Pending> pending_in(Transaction& tx, sinew::store::EventLog& log) {
  sinew::store::Outbox outbox;
  Pending pending;
  pending.messages = co_await outbox.size(tx);
  const auto backlog = co_await sinew::messaging::count_backlog(tx);
  pending.messages += backlog.waiting;
  pending.parked = backlog.parked;
  const auto sagas = co_await sinew::saga::count_instances(tx);
  pending.running_sagas = sagas.running;
  pending.stuck_sagas = sagas.stuck;
  const auto views = co_await sinew::store::views_at_work(tx, log);
  pending.behind = views.behind;
  pending.stalled_views = views.stalled;
  const auto events = co_await tx.execute("SELECT COALESCE(MAX(position), 0) FROM events");
  pending.position = events[0].integer(0);
  co_return pending;
}

Task<Pending> pending_at_broker(Transaction& tx) {
  const auto content = co_await sinew::sqlite::broker::read_content(tx);
  Pending pending;
  for (const auto& queue : content.queues) {
    pending.messages += queue.stored;
    pending.position += queue.tail;
  }
  std::map<std::int64_t, const sinew::sqlite::broker::TopicRow*> topics;
  for (const auto& topic : content.topics) {
    topics.emplace(topic.number, &topic);
    for (const auto head : topic.heads)
      pending.position += head;
  }
  for (const auto& group : content.groups) {
    const auto& heads = topics.at(group.topic)->heads;
    for (std::size_t i = 0; i < heads.size(); ++i)
      pending.messages += heads[i] - group.committed[i];
  }
  co_return pending;
}

bool moves(const Pending& pending) {
  return pending.messages != 0 || pending.running_sagas != 0 || pending.behind != 0;
}

}  // namespace

bool at_rest(const Motion& before, const Motion& after) {
  if (before != after) return false;
  for (const auto& [context, pending] : after) {
    if (moves(pending)) return false;
  }
  return true;
}

std::string describe_motion(const Motion& motion) {
  std::string text;
  for (const auto& [context, pending] : motion) {
    if (!moves(pending)) continue;
    text += fmt::format("{}{}: {} messages, {} sagas, {} events on their way to views",
                        text.empty() ? "" : "; ", context, pending.messages, pending.running_sagas,
                        pending.behind);
  }
  return text.empty() ? "something moved between two looks" : text;
}

Task<Motion> look_at_motion(Runtime& runtime, fs::path folder) {
  Motion motion;
  for (const auto context : context_names) {
    const auto database = co_await open(runtime, database_of(folder, context));
    motion.emplace(context, co_await database->read([&database](Transaction& tx) {
      return pending_in(tx, database->event_log());
    }));
    co_await database->close();
  }
  const auto broker = co_await open(runtime, sinew::sqlite::Backend::broker_path(folder));
  motion.emplace("broker", co_await broker->read(pending_at_broker));
  co_await broker->close();
  co_return motion;
}

Task<std::vector<books::ContextAudit>> collect_audits(Runtime& runtime, fs::path folder,
                                                      Provider provider) {
  std::vector<books::ContextAudit> audits;
  for (const auto context : context_names) {
    const auto database = co_await open(runtime, database_of(folder, context));
    audits.push_back(co_await audit_of(context)(*database));
    co_await database->close();
  }
  if (provider == Provider::external) co_return audits;
  const auto ledger = co_await open(runtime, provider_database(folder).string());
  audits.push_back(co_await ledger->read(audit_provider));
  co_await ledger->close();
  co_return audits;
}

Task<std::vector<reporting::RegisterBatch>> collect_batches(Runtime& runtime, fs::path folder) {
  const auto database = co_await open(runtime, database_of(folder, "reporting"));
  auto batches = co_await database->read(reporting::batches);
  co_await database->close();
  co_return batches;
}

std::vector<books::OpenWork> open_work(const Motion& motion) {
  std::vector<books::OpenWork> work;
  for (const auto& [context, pending] : motion) {
    if (pending.parked == 0 && pending.stuck_sagas == 0 && pending.stalled_views == 0) continue;
    work.push_back({context, pending.parked, pending.stuck_sagas, pending.stalled_views});
  }
  return work;
}

}  // namespace commerce::program
