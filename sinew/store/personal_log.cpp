#include "sinew/store/personal_log.hpp"

#include <fmt/format.h>

#include <utility>

#include "sinew/base/base64.hpp"
#include "sinew/base/cipher.hpp"
#include "sinew/base/error.hpp"

namespace sinew::store {
namespace {

constexpr std::string_view personal_member = "$personal";

// The value of the member.
struct Box {
  Uuid key;
  std::string sealed;  // Base64
};
BOOST_DESCRIBE_STRUCT(Box, (), (key, sealed))

std::string context_of(const Uuid& event) { return "event " + to_string(event); }
std::string context_of(const std::string& stream, const Snapshot& snapshot) {
  return fmt::format("snapshot {} {} {}", stream, snapshot.stream_version, snapshot.state_version);
}

// The object that a text is, when it has the member that only this log may write.
std::optional<JsonObject> sealed_object(const SharedBytes& data) {
  if (!data.view().contains("\"$personal\"")) return std::nullopt;
  try {
    Json json = parse_json(data.view());
    if (json.find(personal_member) != nullptr) return std::move(json.as_object());
  } catch (const Error&) {  // no JSON, so none of ours
  }
  return std::nullopt;
}

Json take_box(JsonObject& object) {
  Json box = std::move(*object.find(personal_member));
  object.erase(personal_member);
  return box;
}

void refuse_reserved(const NewEvent& event) {
  if (!sealed_object(event.data)) return;
  throw Error(Condition::invalid_input,
              fmt::format("event {} has a member $personal, which is the log's own", event.type));
}

}  // namespace

Task<Json> PersonalEventLog::seal(Transaction& transaction, std::string subject,
                                  std::string context, std::string text) {
  const PersonalKeys::Key key = co_await keys_.of(transaction, std::move(subject));
  co_return to_json(Box{key.id, to_base64(keys_.seal(key, context, text))});
}

Task<std::optional<std::string>> PersonalEventLog::unseal(Transaction& transaction, Json box,
                                                          std::string context) {
  const Box read = from_json<Box>(box);
  const std::optional<Secret> key = co_await keys_.find(transaction, read.key);
  if (!key) co_return std::nullopt;
  auto text = decrypt(*key, context, from_base64(read.sealed).value_or(""));
  if (!text) throw Error(Condition::corrupt, "the personal members of an " + context + " changed");
  co_return text;
}

Task<void> PersonalEventLog::seal_all(Transaction& transaction, std::vector<NewEvent>& events) {
  for (NewEvent& event : events) {
    const PersonalEvents::Declaration* declaration = events_.find(event.type);
    if (declaration == nullptr) {
      refuse_reserved(event);
      continue;
    }
    PersonalParts parts = take_apart(*declaration, event.type, event.data.view());
    if (parts.personal.empty()) continue;
    parts.rest.append(personal_member,
                      co_await seal(transaction, std::move(parts.subject), context_of(event.id),
                                    to_text(std::move(parts.personal))));
    event.data = SharedBytes(to_text(std::move(parts.rest)));
  }
}

Task<void> PersonalEventLog::open(Transaction& transaction, RecordedEvent& event) {
  auto object = sealed_object(event.data);
  if (!object) co_return;
  const auto personal = co_await unseal(transaction, take_box(*object), context_of(event.id));
  event.sealed = event.data;
  event.erased = !personal;
  if (personal) put_back(*object, parse_json(*personal).as_object());
  event.data = SharedBytes(to_text(std::move(*object)));
}

Task<void> PersonalEventLog::open_all(Transaction& transaction,
                                      std::vector<RecordedEvent>& events) {
  for (RecordedEvent& event : events)
    co_await open(transaction, event);
}

Task<Appended> PersonalEventLog::append(Transaction& transaction, std::string stream,
                                        ExpectedVersion expected, std::vector<NewEvent> events) {
  co_await seal_all(transaction, events);
  co_return co_await inner_.append(transaction, std::move(stream), expected, std::move(events));
}

Task<std::vector<Appended>> PersonalEventLog::append_all(Transaction& transaction,
                                                         std::vector<StreamAppend> parts) {
  for (StreamAppend& part : parts)
    co_await seal_all(transaction, part.events);
  co_return co_await inner_.append_all(transaction, std::move(parts));
}

Task<std::vector<RecordedEvent>> PersonalEventLog::read_stream(Transaction& transaction,
                                                               std::string stream,
                                                               std::int64_t from,
                                                               std::size_t limit) {
  auto events = co_await inner_.read_stream(transaction, std::move(stream), from, limit);
  co_await open_all(transaction, events);
  co_return events;
}

Task<std::vector<RecordedEvent>> PersonalEventLog::read_all(Transaction& transaction,
                                                            Checkpoint after, std::size_t limit) {
  auto events = co_await inner_.read_all(transaction, after, limit);
  co_await open_all(transaction, events);
  co_return events;
}

Task<EventPage> PersonalEventLog::read_matching(Transaction& transaction, EventFilter filter,
                                                Checkpoint after, std::size_t limit) {
  EventPage page = co_await inner_.read_matching(transaction, std::move(filter), after, limit);
  co_await open_all(transaction, page.events);
  co_return page;
}

Task<void> PersonalEventLog::save_snapshot(Transaction& transaction, std::string stream,
                                           Snapshot snapshot) {
  if (!snapshot.subject.empty()) {
    JsonObject box;
    box.append(personal_member,
               co_await seal(transaction, std::exchange(snapshot.subject, {}),
                             context_of(stream, snapshot), std::string(snapshot.state.view())));
    snapshot.state = SharedBytes(to_text(std::move(box)));
  }
  co_await inner_.save_snapshot(transaction, std::move(stream), std::move(snapshot));
}

Task<std::optional<Snapshot>> PersonalEventLog::find_snapshot(Transaction& transaction,
                                                              std::string stream) {
  auto snapshot = co_await inner_.find_snapshot(transaction, stream);
  if (!snapshot) co_return std::nullopt;
  auto object = sealed_object(snapshot->state);
  if (!object) co_return snapshot;
  auto state = co_await unseal(transaction, take_box(*object), context_of(stream, *snapshot));
  if (!state) co_return std::nullopt;
  snapshot->state = SharedBytes(std::move(*state));
  co_return snapshot;
}

}  // namespace sinew::store
