#include "sinew/sim/aggregate.hpp"

#include <fmt/format.h>

#include "sinew/sim/failure.hpp"

namespace sinew::sim::detail {
namespace {

std::string described(const Refusal& refusal) {
  if (refusal.condition)
    return fmt::format("{}: {}", to_string(*refusal.condition), refusal.detail);
  return fmt::format("the code {}: {}", refusal.code, refusal.detail);
}

// What there is instead of a refusal.
std::string described(const std::vector<Payload>& events) {
  if (events.empty()) return "nothing followed, and nothing was refused";
  std::string text = "it was not refused; there followed";
  for (const Payload& event : events)
    text += "\n    " + to_text(event);
  return text;
}

}  // namespace

store::RecordedEvent recorded(const std::string& stream, const Payload& event,
                              std::int64_t version) {
  store::RecordedEvent recorded;
  recorded.stream = stream;
  recorded.stream_version = version;
  recorded.type = event.type;
  recorded.version = event.version;
  recorded.data = SharedBytes(to_text(event.data));
  return recorded;
}

std::vector<Payload> payloads_of(const std::vector<store::PendingEvent>& pending,
                                 std::size_t first) {
  std::vector<Payload> payloads;
  for (std::size_t i = first; i < pending.size(); ++i) {
    payloads.emplace_back(std::string(pending[i].type), pending[i].version,
                          parse_json(pending[i].data.view()));
  }
  return payloads;
}

void Decision::expect_events(const std::vector<Payload>& expected,
                             const std::source_location& where) const {
  if (refusal) fail("it was refused with " + described(*refusal), where);
  expect_equal("event", expected, events, where);
}

void Decision::expect_refused(Condition condition, std::string_view says,
                              const std::source_location& where) const {
  const std::string expected = fmt::format("expected a refusal with {}, ", to_string(condition));
  if (!refusal) fail(expected + "but " + described(events), where);
  if (refusal->condition != condition) fail(expected + "found " + described(*refusal), where);
  if (refusal->detail.find(says) == std::string::npos)
    fail(fmt::format("{}that says \"{}\", found {}", expected, says, described(*refusal)), where);
}

void Decision::expect_refused(std::string_view code, const std::source_location& where) const {
  const std::string expected = fmt::format("expected a refusal with the code {}, ", code);
  if (!refusal) fail(expected + "but " + described(events), where);
  if (refusal->condition || refusal->code != code)
    fail(expected + "found " + described(*refusal), where);
}

}  // namespace sinew::sim::detail
