#include "sinew/sim/context.hpp"

#include <fmt/format.h>

#include "sinew/sim/failure.hpp"
#include "sinew/sim/rows.hpp"

namespace sinew::sim {

using messaging::Message;
using store::DestinationKind;

namespace {

constexpr std::uint64_t most_power_cuts = 10'000;
// Of virtual time: longer than the default policy of retries takes to park a message.
constexpr auto patience = std::chrono::minutes(30);

bool is_reply(const Message& message) { return message.destination.name == World::reply_queue; }
bool is_command(const Message& message) {
  return message.destination.kind == DestinationKind::queue && !message.envelope.reply_to.empty();
}

std::vector<Payload> payloads_of(const std::vector<Message>& messages,
                                 const event::Codecs& codecs) {
  std::vector<Payload> payloads;
  for (const Message& message : messages)
    payloads.emplace_back(message.envelope, codecs);
  return payloads;
}

}  // namespace

ContextStory::ContextStory(World::Factory make, const WorldOptions& options)
    : world_(std::make_unique<World>(options)), name_(make()->name()) {
  world_->add(std::move(make));
  world_->start();
}

ContextStory::~ContextStory() = default;

ContextStory& ContextStory::act(std::function<void()> told) {
  told_ = std::move(told);
  answer_.reset();
  before_ = world_->published().size();
  carry_out();
  return *this;
}

void ContextStory::carry_out() {
  if (cut_ != nullptr) {
    survive(*std::exchange(cut_, nullptr), told_);
  } else {
    told_();
  }
  world_->settle(patience, World::Rest::but_sagas);
}

// Until the power goes, and what remains of it after the restart.
void ContextStory::survive(PowerCut& cut, const std::function<void()>& action) {
  world_->cut_power_after(cut.operation);
  try {
    action();
    world_->settle(patience, World::Rest::but_sagas);
  } catch (const std::exception&) {
    if (!world_->down()) throw;
  }
  cut.happened = world_->down();
  world_->forget_cut();
  if (!cut.happened) return;
  world_->cut_power();
  world_->restart();
  action();
}

ContextStory& ContextStory::when_file(const std::string& kind, const std::string& content) {
  const std::string file = fmt::format("{}-{}.csv", kind, ++files_);
  return act([this, kind, file, content] {
    if (!world_->down()) world_->drop(name_, kind, file, content);
  });
}

ContextStory& ContextStory::when_requested(http::Method method, std::string path,
                                           std::optional<Json> body) {
  http::ClientRequest request{.method = method, .url = std::move(path)};
  if (body) {
    request.headers.set("Content-Type", "application/json");
    request.body = to_text(*body);
  }
  return act([this, request] { answer_ = world_->send(name_, request); });
}

ContextStory& ContextStory::when_rejected(std::string code, std::string detail,
                                          const Where& where) {
  return answer({std::nullopt, messaging::Rejection{std::move(code), std::move(detail)}}, where);
}

ContextStory& ContextStory::when_time_passes(Duration duration) {
  return act([this, duration] { world_->run_for(duration); });
}

ContextStory& ContextStory::answer(const messaging::ReplyData& data, const Where& where) {
  const Message* command = nullptr;
  for (const Message& message : world_->published()) {
    if (is_command(message)) command = &message;
  }
  if (command == nullptr) fail("there is no command to answer", where);
  event::Envelope header;
  header.id = world_->outside().new_id();
  header.source = "/" + std::string(context::owner_of(command->envelope.type));
  const Message reply{{DestinationKind::queue, command->envelope.reply_to},
                      messaging::make_reply(command->envelope, data, std::move(header))};
  return deliver(reply, where);
}

ContextStory& ContextStory::deliver(Message message, const Where& where) {
  return act([this, message = std::move(message), where] { world_->deliver(message, where); });
}

ContextStory& ContextStory::twice() {
  carry_out();
  return *this;
}

ContextStory& ContextStory::crash_and_restart() {
  world_->crash();
  world_->restart();
  world_->settle(patience, World::Rest::but_sagas);
  return *this;
}

ContextStory& ContextStory::cut_power_at(PowerCut& cut) {
  cut_ = &cut;
  return *this;
}

std::vector<Message> ContextStory::since_then() const {
  const auto& all = world_->published();
  return {all.begin() + static_cast<std::ptrdiff_t>(before_), all.end()};
}

ContextStory& ContextStory::then_publishes(const Payloads& events, const Where& where) {
  auto messages = since_then();
  std::erase_if(messages, [](const Message& message) {
    return message.destination.kind != DestinationKind::topic;
  });
  expect_equal("event", events.all(), payloads_of(messages, world_->codecs()), where);
  return *this;
}

ContextStory& ContextStory::then_asks(const Payloads& commands, const Where& where) {
  auto messages = since_then();
  std::erase_if(messages, [](const Message& message) { return !is_command(message); });
  expect_equal("command", commands.all(), payloads_of(messages, world_->codecs()), where);
  return *this;
}

messaging::ReplyData ContextStory::only_reply(const Where& where) const {
  auto messages = since_then();
  std::erase_if(messages, [](const Message& message) { return !is_reply(message); });
  if (messages.size() == 1) return messaging::read_reply(messages.front().envelope);
  std::string found;
  for (const Message& message : messages)
    found += "\n    " + to_text(Payload(message.envelope));
  fail(fmt::format("expected one reply, found {}{}", messages.size(), found), where);
}

ContextStory& ContextStory::expect_reply(const Json& reply, const Where& where) {
  const auto found = only_reply(where);
  if (found.rejection)
    fail(fmt::format("the reply is the rejection {}: {}\n  expected: {}", found.rejection->code,
                     found.rejection->detail, to_text(reply)),
         where);
  expect_equal("the reply", reply, *found.value, where);
  return *this;
}

ContextStory& ContextStory::then_rejects(std::string_view code, const Where& where) {
  const auto found = only_reply(where);
  const std::string expected = fmt::format("expected a rejection with the code {}, found ", code);
  if (found.value) fail(expected + "the reply " + to_text(*found.value), where);
  if (found.rejection->code != code)
    fail(fmt::format("{}{}: {}", expected, found.rejection->code, found.rejection->detail), where);
  return *this;
}

const http::Response& ContextStory::answer_given() const {
  if (answer_) return *answer_;
  throw Failure("there is no answer: nothing was requested");
}

ContextStory& ContextStory::then_answers(int status, const Where& where) {
  const auto& answer = answer_given();
  if (answer.status != status)
    fail(fmt::format("expected the status {}, found {}: {}", status, answer.status, answer.body),
         where);
  return *this;
}

ContextStory& ContextStory::then_answers(int status, const Json& body, const Where& where) {
  then_answers(status, where);
  expect_equal("the answer", body, parse_json(answer_given().body), where);
  return *this;
}

ContextStory& ContextStory::then_rows(std::string_view sql,
                                      std::initializer_list<std::initializer_list<Json>> rows,
                                      const Where& where) {
  expect_equal(sql, rows_of(rows), Json(world_->rows(name_, sql)), where);
  return *this;
}

ContextStory& ContextStory::then_parked(std::int64_t messages, const Where& where) {
  const auto parked = world_->activity().parked;
  if (parked != messages)
    fail(fmt::format("expected {} parked messages, found {}: {}", messages, parked,
                     to_text(world_->rows(name_, "SELECT type, last_error FROM consumer_backlog"))),
         where);
  return *this;
}

std::uint64_t at_every_power_cut(const std::function<void(PowerCut&)>& story) {
  for (std::uint64_t operation = 1; operation <= most_power_cuts; ++operation) {
    PowerCut cut{.operation = operation};
    try {
      story(cut);
    } catch (const std::exception& error) {
      throw Failure(
          fmt::format("{}\nthe power went at operation {} of the disk", error.what(), operation));
    }
    if (!cut.happened) return operation - 1;
  }
  throw Failure(
      fmt::format("the story does not end within {} operations of the disk", most_power_cuts));
}

}  // namespace sinew::sim
