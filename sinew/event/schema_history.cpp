#include "sinew/event/schema_history.hpp"

#include <fmt/format.h>

#include <utility>

#include "sinew/base/error.hpp"
#include "sinew/base/json_reader.hpp"

namespace sinew::event {
namespace {

// `lines[3].quantity` becomes `lines[].quantity`.
std::string without_positions(std::string_view path) {
  std::string text;
  bool inside = false;
  for (const char c : path) {
    if (c == ']') inside = false;
    if (!inside) text += c;
    if (c == '[') inside = true;
  }
  return text;
}

// A message that quotes what it got is another one for each event.
std::string_view without_value(std::string_view message) {
  return message.substr(0, message.find(", got "));
}

}  // namespace

struct HistoryCheck::Event {
  std::string_view place;
  std::string_view type;
  std::int32_t version;
  Json data;
};

void HistoryCheck::add(std::string_view place, std::string_view type, std::int32_t version,
                       std::string_view content_type, const SharedBytes& data) {
  ++events_;
  Event event{place, type, version, {}};
  const CommittedSchema* written = catalog_.written(type, version);
  if (written == nullptr) return report(event, "", "", "has no committed schema");
  try {
    event.data = codecs_.decode(content_type, type, version, data);
  } catch (const Error& error) {
    if (error.condition() == Condition::unsupported) {
      leave_unread(event, content_type, error.detail());
    } else {
      report(event, "", "", fmt::format("is no object in {}", content_type));
    }
    return;
  }
  check(event, "", written->schema, event.data);
  for (const CommittedSchema* reader : catalog_.readers(type)) {
    if (reader != written) check_reader(event, *reader);
  }
}

// What a newer writer wrote waits for its reader; the committed schemas say so already.
void HistoryCheck::check_reader(const Event& event, const CommittedSchema& reader) {
  if (event.version > reader.version) return;
  if (event.version == reader.version) {
    return check(event, reader.context, reader.schema, event.data);
  }
  if (lifts_.upcasters == nullptr) {
    if (!lifts_.declare(event.type, event.version, reader.version)) {
      check(event, reader.context, reader.schema, event.data);
    }
    return;
  }
  try {
    check(event, reader.context, reader.schema,
          Json(lifts_.upcasters->lift(event.type, event.version, reader.version,
                                      event.data.as_object())));
  } catch (const std::exception& error) {
    report(event, reader.context, "", error.what());
  }
}

void HistoryCheck::check(const Event& event, std::string_view reader, const Schema& schema,
                         const Json& data) {
  try {
    schema.check(data);
  } catch (const DocumentError& error) {
    for (const JsonError& wrong : error.errors())
      report(event, reader, without_positions(wrong.path), without_value(wrong.message));
  }
}

void HistoryCheck::leave_unread(const Event& event, std::string_view content_type,
                                std::string_view why) {
  ++unread_;
  std::tuple key{std::string(event.type), event.version, std::string(content_type)};
  auto kind = unread_kinds_.find(key);
  if (kind == unread_kinds_.end()) {
    if (unread_kinds_.size() >= max_findings) return;
    UnreadEvents unread{.type = std::string(event.type),
                        .version = event.version,
                        .content_type = std::string(content_type),
                        .why = std::string(why)};
    kind = unread_kinds_.emplace(std::move(key), std::move(unread)).first;
  }
  ++kind->second.events;
}

void HistoryCheck::report(const Event& event, std::string_view reader, std::string_view path,
                          std::string_view text) {
  Key key{event.type, event.version, reader, path, text};
  auto found = findings_.find(key);
  if (found == findings_.end()) {
    if (findings_.size() >= max_findings) return;
    HistoryFinding finding{.type = std::string(event.type),
                           .written = event.version,
                           .reader = std::string(reader),
                           .path = std::string(path),
                           .text = std::string(text),
                           .first = std::string(event.place)};
    found = findings_.emplace(std::move(key), std::move(finding)).first;
  }
  ++found->second.events;
}

std::vector<UnreadEvents> HistoryCheck::unread_kinds() const {
  std::vector<UnreadEvents> all;
  for (const auto& [key, unread] : unread_kinds_)
    all.push_back(unread);
  return all;
}

std::vector<HistoryFinding> HistoryCheck::findings() const {
  std::vector<HistoryFinding> all;
  for (const auto& [key, finding] : findings_)
    all.push_back(finding);
  return all;
}

}  // namespace sinew::event
