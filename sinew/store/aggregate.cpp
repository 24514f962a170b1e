#include "sinew/store/aggregate.hpp"

#include <fmt/format.h>

#include "sinew/async/runtime.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/log.hpp"

namespace sinew::store::detail {

void check_next(const RecordedEvent& event, std::int64_t expected_version) {
  if (event.stream_version == expected_version) return;
  throw Error(Condition::corrupt,
              fmt::format("the stream {} goes on with version {} where {} is due", event.stream,
                          event.stream_version, expected_version));
}

void refuse_unknown(const RecordedEvent& event) {
  throw Error(Condition::unsupported,
              fmt::format("the stream {} has an event of type {}, which this program does not "
                          "know: install the version that wrote it",
                          event.stream, event.type));
}

void check_sealed(const EventLog& log, std::string_view type) {
  if (log.seals(type)) return;
  throw Error(Condition::invalid_input,
              fmt::format("events {} have personal members, and this log would keep them in plain "
                          "text: name the type in ContextSpec::personal(), or open a "
                          "PersonalDatabase",
                          type));
}

void check_policy(const SnapshotPolicy& policy) {
  if (policy.every >= 0 && policy.every <= SnapshotPolicy::most) return;
  throw Error(Condition::invalid_input,
              fmt::format("a snapshot is kept every 1 to {} events, or 0 for never, not every {}",
                          SnapshotPolicy::most, policy.every));
}

bool passes(const SnapshotPolicy& policy, std::int64_t from, const Appended& appended) {
  if (policy.every == 0 || appended.repeated) return false;
  return (appended.stream_version + 1) / policy.every > (from + 1) / policy.every;
}

std::optional<Json> usable_state(const Snapshot& snapshot, std::int32_t state_version,
                                 const std::string& stream) {
  if (snapshot.state_version != state_version) return std::nullopt;
  try {
    return parse_json(snapshot.state.view());
  } catch (const Error& error) {
    report_unreadable(stream, error);
    return std::nullopt;
  }
}

void report_unreadable(const std::string& stream, const Error& error) {
  log::warn("a snapshot cannot be read; all events are read instead",
            {{"stream", stream}, {"error", error.detail()}});
}

Task<StreamAppend> make_append(std::string stream, std::int64_t version,
                               std::vector<PendingEvent> pending, event::Lineage lineage) {
  async::Runtime& runtime = *(co_await async::this_context()).runtime;
  std::vector<NewEvent> events;
  events.reserve(pending.size());
  for (PendingEvent& event : pending) {
    const auto next = version + 1 + static_cast<std::int64_t>(events.size());
    const Uuid id = lineage.causation_id.is_nil()
                        ? runtime.new_id()
                        : derive_uuid(lineage.causation_id, fmt::format("{}@{}", stream, next));
    events.push_back({id, std::string(event.type), event.version, std::move(event.data), lineage});
  }
  co_return StreamAppend{std::move(stream), ExpectedVersion::exactly(version), std::move(events)};
}

Task<Appended> append_pending(EventLog& log, Transaction& transaction, std::string stream,
                              std::int64_t version, std::vector<PendingEvent> pending,
                              event::Lineage lineage) {
  if (pending.empty()) co_return Appended{.stream_version = version, .position = {}};
  StreamAppend part =
      co_await make_append(std::move(stream), version, std::move(pending), std::move(lineage));
  co_return co_await log.append(transaction, std::move(part.stream), part.expected,
                                std::move(part.events));
}

}  // namespace sinew::store::detail
