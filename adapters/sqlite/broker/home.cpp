#include "adapters/sqlite/broker/home.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "adapters/sqlite/broker/topic_checks.hpp"
#include "sinew/base/crash_point.hpp"
#include "sinew/base/error.hpp"

namespace sinew::sqlite::broker {
namespace {

using messaging::Confirm;
using messaging::DestinationKind;
using messaging::Settle;
using messaging::SubscribeOptions;

constexpr Duration pause_when_database_fails = std::chrono::milliseconds(100);

void check(const messaging::QueueSpec& spec) {
  store::validate({DestinationKind::queue, spec.name});
  if (spec.max_messages < 1) {
    throw Error(Condition::invalid_input, fmt::format("the queue {} has max_messages={}: from 1",
                                                      spec.name, spec.max_messages));
  }
}

void check(const SubscribeOptions& options) {
  store::validate(options.source);
  if (options.prefetch < 1 || options.prefetch > 1000) {
    throw Error(Condition::invalid_input, fmt::format("a prefetch of {} for {}: 1 to 1000",
                                                      options.prefetch, options.source.name));
  }
  if (options.lease < std::chrono::milliseconds(100) || options.lease > std::chrono::hours(12)) {
    throw Error(Condition::invalid_input,
                fmt::format("a lease of {} ms for {}: 100 ms to 12 h",
                            options.lease / std::chrono::milliseconds(1), options.source.name));
  }
  if (options.source.kind == DestinationKind::topic) {
    store::validate({DestinationKind::topic, options.group});
  }
}

QueueLimits queue_limits(const BrokerLimits& limits) {
  return {.messages = limits.queue_messages,
          .bytes = limits.queue_bytes,
          .per_key = limits.key_messages};
}

}  // namespace

Home::Home(async::Runtime& runtime, std::unique_ptr<Database> database, BrokerLimits limits)
    : runtime_(runtime),
      database_(std::move(database)),
      limits_(limits),
      log_(log::root().with({{"component", "broker"}})),
      tasks_(runtime, "broker") {
  all_parted_.set();
  tasks_.spawn(load_pages(), "broker: read pages");
  tasks_.spawn(clean_topics(), "broker: remove old records");
}

Home::~Home() {
  for (const auto& [member, link] : links_)
    link->orphan();
}

Task<void> Home::start() {
  co_await database_->migrate(migrations());
  Content content = co_await database_->read(
      [](store::Transaction& tx) -> Task<Content> { co_return co_await read_content(tx); });
  for (QueueRow& row : content.queues) {
    const std::string name = row.spec.name;
    directory_.queues.emplace(
        name, std::make_unique<QueueSource>(*database_, std::move(row), queue_limits(limits_)));
  }
  std::map<std::int64_t, Topic*> by_number;
  for (TopicRow& row : content.topics) {
    auto& topic = directory_.topics[row.spec.name];
    topic = std::make_unique<Topic>(std::move(row));
    by_number[topic->row.number] = topic.get();
  }
  for (GroupRow& row : content.groups) {
    Topic& topic = *by_number.at(row.topic);
    const std::string name = row.name;
    topic.groups.emplace(
        name, std::make_unique<GroupSource>(*database_, topic.row, std::move(row), topic.heads,
                                            GroupLimits{.open = limits_.topic_open}));
  }
  clean_wanted_.set();
}

void Home::check_open() const {
  if (closing_) throw Error(Condition::unavailable, "the embedded broker was closed");
}

Task<void> Home::declare(messaging::Topology topology) {
  check_open();
  for (const auto& queue : topology.queues)
    check(queue);
  for (const auto& topic : topology.topics)
    check(topic);
  auto [queues, topics] = co_await database_->transaction(
      [&topology](
          store::Transaction& tx) -> Task<std::pair<std::vector<QueueRow>, std::vector<TopicRow>>> {
        std::pair<std::vector<QueueRow>, std::vector<TopicRow>> rows;
        for (const auto& queue : topology.queues)
          rows.first.push_back(co_await declare_queue(tx, queue));
        for (const auto& topic : topology.topics)
          rows.second.push_back(co_await declare_topic(tx, topic));
        co_return rows;
      });
  for (QueueRow& row : queues) {
    auto& queue = directory_.queues[row.spec.name];
    if (queue) continue;
    queue = std::make_unique<QueueSource>(*database_, std::move(row), queue_limits(limits_));
  }
  for (TopicRow& row : topics) {
    auto& topic = directory_.topics[row.spec.name];
    if (!topic) {
      topic = std::make_unique<Topic>(std::move(row));
    } else {
      topic->row.spec.retention = row.spec.retention;
    }
  }
  clean_wanted_.set();
}

Task<std::vector<Confirm>> Home::publish(std::vector<messaging::Message> messages) {
  check_open();
  auto publication =
      std::make_unique<Publication>(directory_, std::move(messages), runtime_.wall_now());
  if (publication->empty()) co_return publication->confirms();
  SINEW_CRASH_POINT("broker.before_publish");
  std::exception_ptr failure;
  Applied applied = Applied::no;
  try {
    co_await database_->transaction(
        [&publication](store::Transaction& tx) -> Task<void> { co_await publication->write(tx); });
  } catch (const Error& error) {
    failure = std::current_exception();
    applied = error.applied();
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure && applied == Applied::unknown) {
    publication->doubtful();
    tasks_.spawn(find_out(std::move(publication)), "broker: after a failed commit");
    std::rethrow_exception(failure);
  }
  if (failure) {
    publication->failed();
    std::rethrow_exception(failure);
  }
  SINEW_CRASH_POINT("broker.after_publish");
  for (Source* source : publication->changed())
    serve(*source);
  SINEW_CRASH_POINT("broker.before_confirm");
  co_return publication->confirms();
}

// The database is opened again after a failed sync; what it holds then is the truth.
Task<void> Home::find_out(std::unique_ptr<Publication> publication) {
  for (;;) {
    try {
      co_await publication->find_out(*database_);
      break;
    } catch (const Error& error) {
      if (error.condition() == Condition::cancelled) throw;
    }
    co_await async::sleep_for(pause_when_database_fails);
  }
  for_each_source([this](Source& source) { serve(source); });
}

Task<std::shared_ptr<Link>> Home::subscribe(SubscribeOptions options, async::Runtime& away_worker) {
  check_open();
  check(options);
  Source* source = co_await find_source(options);
  check_open();
  const MemberId member = next_member_++;
  LinkHome& self = *this;
  auto link = std::make_shared<Link>(runtime_, away_worker, self, *source, member);
  links_.emplace(member, link);
  all_parted_.reset();
  const MemberOptions member_options{static_cast<std::size_t>(options.prefetch), options.lease};
  source->join(member, member_options, runtime_.now());
  serve(*source);
  co_return link;
}

Task<Source*> Home::find_source(const SubscribeOptions& options) {
  if (options.source.kind == DestinationKind::topic) co_return co_await find_group(options);
  const auto found = directory_.queues.find(options.source.name);
  if (found == directory_.queues.end()) {
    throw Error(Condition::not_found,
                fmt::format("no queue {}: declare it first", options.source.name));
  }
  co_return found->second.get();
}

Task<void> Home::settle(std::shared_ptr<Link> link, std::vector<Settle> settlements) {
  check_open();
  Source& source = link->source();
  const std::size_t fenced =
      co_await source.settle(link->member(), std::move(settlements), runtime_.now());
  serve(source);
  if (fenced == 0) co_return;
  throw Error(Condition::conflict,
              fmt::format("{} deliveries were settled too late: their leases had expired and the "
                          "messages went to someone else",
                          fenced));
}

Task<void> Home::renew(std::shared_ptr<Link> link) {
  check_open();
  link->source().renew(link->member(), runtime_.now());
  co_return;
}

Task<void> Home::leave(std::shared_ptr<Link> link) {
  link->source().leave(link->member(), Departure::closed, runtime_.now());
  if (link->demanding()) link->answer({});
  serve(link->source());
  co_return;
}

void Home::demanded(Link& link, std::size_t limit) noexcept {
  link.source().demand(link.member(), limit, runtime_.now());
  serve(link.source());
}

void Home::detached(Link& link) noexcept {
  link.source().leave(link.member(), Departure::dropped, runtime_.now());
  serve(link.source());
}

void Home::parted(Link& link) noexcept {
  links_.erase(link.member());
  if (links_.empty()) all_parted_.set();
}

// Gives out what is there for those who wait, and has more read when they still wait.
void Home::serve(Source& source) noexcept {
  for (Dealt& dealt : source.deal(runtime_.now())) {
    const auto link = links_.find(dealt.member);
    if (link != links_.end()) link->second->answer(std::move(dealt.signals));
  }
  wake_at(source.next_expiry());
  if (source.load_queued || !source.wants_load()) return;
  source.load_queued = true;
  to_load_.push_back(&source);
  load_wanted_.set();
}

Task<void> Home::load_pages() {
  for (;;) {
    co_await load_wanted_.wait();
    if (to_load_.empty()) {
      load_wanted_.reset();
      continue;
    }
    Source& source = *to_load_.front();
    to_load_.pop_front();
    const bool loaded = co_await load_one(source);
    source.load_queued = false;
    if (!loaded) co_await async::sleep_for(pause_when_database_fails);
    serve(source);
    co_await async::yield();
  }
}

Task<bool> Home::load_one(Source& source) {
  try {
    co_await source.load();
    co_return true;
  } catch (const Error& error) {
    if (error.condition() == Condition::cancelled) throw;
    log_.warn("messages cannot be read", {{"error", error.detail()}});
    co_return false;
  }
}

void Home::wake_at(Instant when) noexcept {
  if (when >= wakes_at_) return;
  wakes_at_ = when;
  runtime_.arm(*this, when);
}

void Home::fire() noexcept {
  wakes_at_ = Instant::max();
  for_each_source([this](Source& source) {
    if (source.next_expiry() <= runtime_.now()) {
      source.expire(runtime_.now());
      serve(source);
    } else {
      wake_at(source.next_expiry());
    }
  });
}

template <class F>
void Home::for_each_source(F function) const {
  for (const auto& [name, queue] : directory_.queues)
    function(*queue);
  for (const auto& [name, topic] : directory_.topics) {
    for (const auto& [group, source] : topic->groups)
      function(*source);
  }
}

BrokerStatistics Home::statistics() const {
  BrokerStatistics statistics;
  for (const auto& [name, source] : directory_.queues) {
    const Queue& queue = source->queue();
    statistics.queues.push_back({name, queue.stored() - queue.in_work(), queue.in_work()});
  }
  for (const auto& [name, topic] : directory_.topics) {
    for (std::size_t i = 0; i < topic->heads.size(); ++i) {
      const auto partition = static_cast<std::int32_t>(i);
      statistics.partitions.push_back({name, partition, topic->heads[i]});
      for (const auto& [group_name, source] : topic->groups) {
        const Group::Progress progress = source->group().progress(i);
        statistics.groups.push_back(
            {name, group_name, partition, progress.committed, progress.head - progress.committed});
      }
    }
  }
  return statistics;
}

Task<void> Home::close() {
  closing_ = true;
  for (const auto& [member, link] : std::map(links_)) {
    link->source().leave(member, Departure::closed, runtime_.now());
    link->break_off();
  }
  co_await all_parted_.wait();
  tasks_.cancel();
  co_await tasks_.join();
  co_await database_->close();
}

}  // namespace sinew::sqlite::broker
