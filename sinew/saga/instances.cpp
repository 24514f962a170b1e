#include "sinew/saga/instances.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "sinew/base/error.hpp"

namespace sinew::saga {

using store::Row;
using store::Transaction;

namespace {

constexpr std::array<std::string_view, 3> kind_names{"compensatable", "pivot", "retriable"};

std::string_view kind_text(const Instance& instance) {
  return instance.kind ? kind_names[static_cast<std::size_t>(*instance.kind)] : "";
}

// None for a row of before kinds were kept.
std::optional<StepKind> parse_kind(std::string_view text) {
  for (std::size_t i = 0; i < kind_names.size(); ++i) {
    if (kind_names[i] == text) return static_cast<StepKind>(i);
  }
  return std::nullopt;
}

Instance instance_of(const Row& row) {
  Instance instance;
  instance.definition = row.text(0);
  instance.id = row.text(1);
  instance.definition_version = static_cast<std::int32_t>(row.integer(2));
  instance.status = parse_status(row.text(3));
  instance.step = static_cast<std::int32_t>(row.integer(4));
  instance.attempt = static_cast<std::int32_t>(row.integer(5));
  instance.group = static_cast<std::int32_t>(row.integer(6));
  instance.command_id = row.uuid(7);
  if (!row.is_null(8)) instance.wake_at = row.timestamp(8);
  instance.rejected = row.boolean(9);
  instance.error = row.text(10);
  instance.data = parse_json(row.text(11));
  instance.lineage.correlation_id = row.uuid(12);
  instance.lineage.causation_id = row.uuid(13);
  instance.lineage.traceparent = row.text(14);
  instance.lineage.hops = static_cast<std::int32_t>(row.integer(15));
  instance.revision = row.integer(16);
  instance.started_at = row.timestamp(17);
  instance.updated_at = row.timestamp(18);
  instance.rejection = row.text(19);
  instance.step_name = row.text(20);
  instance.kind = parse_kind(row.text(21));
  return instance;
}

bool live(const Instance& instance) { return !is_final(instance.status); }

}  // namespace

Task<bool> insert_instance(Transaction& tx, Instance instance) {
  const std::string data = to_text(instance.data);
  const auto inserted = co_await tx.execute(
      "INSERT INTO saga_instances (definition, id, definition_version, status, live, step, "
      "attempt, attempt_group, command_id, wake_at, rejected, error, data, correlation_id, "
      "causation_id, "
      "traceparent, hops, revision, started_at, updated_at, rejection, "
      "step_name, step_kind) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
      "ON CONFLICT (definition, id) DO NOTHING",
      {instance.definition,
       instance.id,
       instance.definition_version,
       to_string(instance.status),
       live(instance),
       instance.step,
       instance.attempt,
       instance.group,
       instance.command_id,
       instance.wake_at,
       instance.rejected,
       instance.error,
       data,
       instance.lineage.correlation_id,
       instance.lineage.causation_id,
       instance.lineage.traceparent,
       instance.lineage.hops,
       instance.revision,
       instance.started_at,
       instance.updated_at,
       instance.rejection,
       instance.step_name,
       kind_text(instance)});
  co_return inserted.changed() == 1;
}

Task<void> update_instance(Transaction& tx, Instance instance) {
  const std::string data = to_text(instance.data);
  const auto updated = co_await tx.execute(
      "UPDATE saga_instances SET status = ?, live = ?, step = ?, attempt = ?, attempt_group = ?, "
      "command_id = ?, wake_at = ?, rejected = ?, error = ?, data = ?, revision = ?, "
      "updated_at = ?, rejection = ?, definition_version = ?, step_name = ?, step_kind = ? WHERE "
      "definition = ? AND id = ? AND revision = ?",
      {to_string(instance.status), live(instance), instance.step, instance.attempt, instance.group,
       instance.command_id, instance.wake_at, instance.rejected, instance.error, data,
       instance.revision + 1, instance.updated_at, instance.rejection, instance.definition_version,
       instance.step_name, kind_text(instance), instance.definition, instance.id,
       instance.revision});
  if (updated.changed() == 1) co_return;
  throw Error(Condition::conflict,
              fmt::format("saga {}/{} moved on meanwhile", instance.definition, instance.id));
}

Task<std::optional<Instance>> find_instance(Transaction& tx, std::string definition,
                                            std::string id) {
  const auto rows = co_await tx.execute(
      "SELECT definition, id, definition_version, status, step, attempt, attempt_group, "
      "command_id, wake_at, rejected, error, data, correlation_id, causation_id, traceparent, "
      "hops, revision, started_at, updated_at, rejection, step_name, step_kind FROM saga_instances "
      "WHERE definition = ? AND id = ?",
      {definition, id});
  if (rows.empty()) co_return std::nullopt;
  co_return instance_of(rows[0]);
}

Task<std::vector<Instance>> find_by_id(Transaction& tx, std::string id) {
  const auto rows = co_await tx.execute(
      "SELECT definition, id, definition_version, status, step, attempt, attempt_group, "
      "command_id, wake_at, rejected, error, data, correlation_id, causation_id, traceparent, "
      "hops, revision, started_at, updated_at, rejection, step_name, step_kind FROM saga_instances "
      "WHERE id = ? LIMIT 10",
      {id});
  std::vector<Instance> instances;
  for (const auto row : rows)
    instances.push_back(instance_of(row));
  co_return instances;
}

Task<std::vector<InstanceKey>> due_instances(Transaction& tx, Timestamp now, std::size_t limit) {
  const auto rows = co_await tx.execute(
      "SELECT definition, id FROM saga_instances WHERE wake_at IS NOT NULL AND wake_at <= ? "
      "ORDER BY wake_at LIMIT ?",
      {now, limit});
  std::vector<InstanceKey> due;
  for (const auto row : rows)
    due.push_back({row.text(0), row.text(1)});
  co_return due;
}

Task<std::optional<Timestamp>> next_wake(Transaction& tx, Timestamp now) {
  const auto rows = co_await tx.execute(
      "SELECT wake_at FROM saga_instances WHERE wake_at IS NOT NULL AND wake_at > ? "
      "ORDER BY wake_at LIMIT 1",
      {now});
  if (rows.empty()) co_return std::nullopt;
  co_return rows[0].timestamp(0);
}

Task<std::int64_t> wait_anew(Transaction& tx, Timestamp now) {
  const auto changed = co_await tx.execute(
      "UPDATE saga_instances SET wake_at = wake_at - (updated_at - ?), updated_at = ? "
      "WHERE wake_at IS NOT NULL AND wake_at > ? AND updated_at > ?",
      {now, now, now, now});
  co_return changed.changed();
}

Task<std::vector<LiveVersion>> live_versions(Transaction& tx) {
  const auto rows = co_await tx.execute(
      "SELECT definition, definition_version, COUNT(*), MIN(id) FROM saga_instances "
      "WHERE live = 1 GROUP BY definition, definition_version");
  std::vector<LiveVersion> versions;
  for (const auto row : rows) {
    versions.push_back(
        {row.text(0), static_cast<std::int32_t>(row.integer(1)), row.integer(2), row.text(3)});
  }
  co_return versions;
}

Task<std::vector<Instance>> instances_of_other_versions(Transaction& tx, std::string definition,
                                                        std::int32_t version, std::string after,
                                                        std::size_t limit) {
  const auto rows = co_await tx.execute(
      "SELECT definition, id, definition_version, status, step, attempt, attempt_group, "
      "command_id, wake_at, rejected, error, data, correlation_id, causation_id, traceparent, "
      "hops, revision, started_at, updated_at, rejection, step_name, step_kind FROM saga_instances "
      "WHERE definition = ? AND id > ? AND live = 1 AND definition_version <> ? "
      "ORDER BY id LIMIT ?",
      {definition, after, version, limit});
  std::vector<Instance> instances;
  for (const auto row : rows)
    instances.push_back(instance_of(row));
  co_return instances;
}

Task<InstanceCounts> count_instances(Transaction& tx) {
  const auto rows = co_await tx.execute(
      "SELECT status, COUNT(*) FROM saga_instances WHERE live = 1 GROUP BY status");
  InstanceCounts counts;
  for (const auto row : rows) {
    (is_stuck(parse_status(row.text(0))) ? counts.stuck : counts.running) += row.integer(1);
  }
  co_return counts;
}

Task<void> record(Transaction& tx, Instance instance, Uuid entry_id, std::string step,
                  std::string what, std::string detail) {
  co_await tx.execute(
      "INSERT INTO saga_history (entry_id, definition, id, at, step, what, detail) "
      "VALUES (?, ?, ?, ?, ?, ?, ?)",
      {entry_id, instance.definition, instance.id, instance.updated_at, step, what, detail});
}

Task<std::vector<HistoryEntry>> history(Transaction& tx, std::string definition, std::string id) {
  const auto rows = co_await tx.execute(
      "SELECT at, step, what, detail FROM saga_history WHERE definition = ? AND id = ? "
      "ORDER BY entry_id LIMIT 10000",
      {definition, id});
  std::vector<HistoryEntry> entries;
  for (const auto row : rows) {
    entries.push_back({row.timestamp(0), row.text(1), row.text(2), row.text(3)});
  }
  co_return entries;
}

namespace {

// By the index of the live or of the finished, so that neither is looked for among the other.
Task<store::Rows> list_with_status(Transaction& tx, const InstanceFilter& filter,
                                   std::int64_t before) {
  const std::string_view status = to_string(*filter.status);
  if (is_final(*filter.status)) {
    co_return co_await tx.execute(
        "SELECT definition, id, definition_version, status, step, attempt, attempt_group, "
        "command_id, wake_at, rejected, error, data, correlation_id, causation_id, traceparent, "
        "hops, revision, started_at, updated_at, rejection, step_name, step_kind "
        "FROM saga_instances WHERE live = 0 AND status = ? AND started_at < ? "
        "AND (? = '' OR definition = ?) ORDER BY started_at DESC LIMIT ?",
        {status, before, filter.definition, filter.definition, filter.limit});
  }
  co_return co_await tx.execute(
      "SELECT definition, id, definition_version, status, step, attempt, attempt_group, "
      "command_id, wake_at, rejected, error, data, correlation_id, causation_id, traceparent, "
      "hops, revision, started_at, updated_at, rejection, step_name, step_kind "
      "FROM saga_instances WHERE live = 1 AND status = ? AND started_at < ? "
      "AND (? = '' OR definition = ?) ORDER BY started_at DESC LIMIT ?",
      {status, before, filter.definition, filter.definition, filter.limit});
}

Task<store::Rows> list_newest(Transaction& tx, const InstanceFilter& filter, std::int64_t before) {
  co_return co_await tx.execute(
      "SELECT definition, id, definition_version, status, step, attempt, attempt_group, "
      "command_id, wake_at, rejected, error, data, correlation_id, causation_id, traceparent, "
      "hops, revision, started_at, updated_at, rejection, step_name, step_kind "
      "FROM saga_instances WHERE started_at < ? AND (? = '' OR definition = ?) "
      "ORDER BY started_at DESC LIMIT ?",
      {before, filter.definition, filter.definition, filter.limit});
}

}  // namespace

Task<std::vector<Instance>> list_instances(Transaction& tx, InstanceFilter filter) {
  const std::int64_t before = filter.before ? to_micros(*filter.before) : INT64_MAX;
  const auto rows = filter.status ? co_await list_with_status(tx, filter, before)
                                  : co_await list_newest(tx, filter, before);
  std::vector<Instance> instances;
  for (const auto row : rows)
    instances.push_back(instance_of(row));
  co_return instances;
}

}  // namespace sinew::saga
