#include "adapters/sqlite/broker/home.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "adapters/sqlite/broker/declaration.hpp"
#include "adapters/sqlite/broker/timed_messages.hpp"
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
// An exclusive queue waits so long for its subscription.
constexpr Duration longest_unused = std::chrono::minutes(1);
constexpr std::size_t rows_removed_at_once = 1000;

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

Home::Home(async::Runtime& runtime, std::unique_ptr<Database> database, BrokerLimits limits,
           Duration retention_interval)
    : runtime_(runtime),
      database_(std::move(database)),
      limits_(limits),
      retention_interval_(retention_interval),
      clock_(runtime),
      sweeper_(runtime, *database_, directory_, clock_, [this](Source& source) { serve(source); }),
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
  Timestamp last_accepted{};
  for (QueueRow& row : content.queues) {
    last_accepted = std::max(last_accepted, row.last_accepted);
    if (row.spec.life == messaging::QueueLife::lasting) {
      add(std::move(row));
      continue;
    }
    co_await database_->transaction(
        [&row](store::Transaction& tx) { return hide_queue(tx, row.number); });
    tasks_.spawn(remove_rows(row.number), "broker: remove a queue");
  }
  clock_.start(last_accepted);
  tasks_.spawn(sweeper_.run(), "broker: sweep");
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

void Home::add(QueueRow row) {
  if (over_.contains(row.number)) {
    throw Error(
        Condition::unavailable,
        fmt::format("the queue {} went while it was declared: declare it again", row.spec.name));
  }
  auto& queue = directory_.queues[row.spec.name];
  if (queue) return;
  queue = std::make_shared<QueueSource>(*database_, clock_, std::move(row), queue_limits(limits_));
  if (queue->spec().life == messaging::QueueLife::exclusive) {
    tasks_.spawn(remove_unused(queue), "broker: remove an unused queue");
  }
}

void Home::check_open() const {
  if (closing_) throw Error(Condition::unavailable, "the embedded broker was closed");
}

Task<void> Home::declare(messaging::Topology topology) {
  check_open();
  check(topology.queues, directory_);
  for (const auto& topic : topology.topics)
    check(topic);
  auto [queues, topics] = co_await database_->transaction(
      [&topology, going = over_](
          store::Transaction& tx) -> Task<std::pair<std::vector<QueueRow>, std::vector<TopicRow>>> {
        std::pair<std::vector<QueueRow>, std::vector<TopicRow>> rows;
        // So that the name of one that has just gone is free.
        for (const std::int64_t queue : going)
          co_await hide_queue(tx, queue);
        for (const auto& queue : topology.queues)
          rows.first.push_back(co_await declare_queue(tx, queue));
        for (const auto& topic : topology.topics)
          rows.second.push_back(co_await declare_topic(tx, topic));
        co_return rows;
      });
  for (QueueRow& row : queues)
    add(std::move(row));
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
  sweeper_.look_at(publication->first_timed());
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
  sweeper_.look_at(publication->first_timed());
}

Task<std::shared_ptr<Link>> Home::subscribe(SubscribeOptions options, async::Runtime& away_worker) {
  check_open();
  check(options);
  Source* source = co_await find_source(options);
  check_open();
  const MemberId member = next_member_++;
  LinkHome& self = *this;
  auto link =
      std::make_shared<Link>(runtime_, away_worker, self, source->shared_from_this(), member);
  links_.emplace(member, link);
  all_parted_.reset();
  const MemberOptions member_options{static_cast<std::size_t>(options.prefetch), options.lease};
  source->subscribers.insert(member);
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
  QueueSource& queue = *found->second;
  if (queue.spec().life == messaging::QueueLife::exclusive && !queue.subscribers.empty()) {
    throw Error(Condition::conflict,
                fmt::format("the queue {} is exclusive and has its subscription: declare one of "
                            "your own",
                            options.source.name));
  }
  co_return &queue;
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
  part(*link, Departure::closed);
  if (link->demanding()) link->answer({});
  serve(link->source());
  co_return;
}

void Home::demanded(Link& link, std::size_t limit) noexcept {
  link.source().demand(link.member(), limit, runtime_.now());
  serve(link.source());
}

void Home::detached(Link& link) noexcept {
  part(link, Departure::dropped);
  serve(link.source());
}

void Home::part(Link& link, Departure departure) noexcept {
  Source& source = link.source();
  source.leave(link.member(), departure, runtime_.now());
  if (source.subscribers.erase(link.member()) == 0 || !source.over() || closing_) return;
  remove(static_cast<QueueSource&>(source));
}

Task<void> Home::remove_unused(std::shared_ptr<QueueSource> source) {
  co_await async::sleep_for(longest_unused);
  const auto there = directory_.queues.find(source->spec().name);
  if (there == directory_.queues.end() || there->second != source || !source->over()) co_return;
  remove(*source);
}

// Nobody reaches it from now on; its rows go after those that are on their way to it.
void Home::remove(QueueSource& source) noexcept {
  over_.insert(source.number());
  directory_.queues.erase(source.spec().name);
  tasks_.spawn(remove_rows(source.number()), "broker: remove a queue");
}

Task<void> Home::remove_rows(std::int64_t number) {
  for (bool more = true; more;) {
    bool failed = false;
    try {
      co_await database_->transaction(
          [number](store::Transaction& tx) { return hide_queue(tx, number); });
      SINEW_CRASH_POINT("broker.before_removal");
      more = co_await database_->transaction([number](store::Transaction& tx) {
        return remove_some(tx, number, rows_removed_at_once);
      });
      SINEW_CRASH_POINT("broker.after_removal");
    } catch (const Error& error) {
      if (error.condition() == Condition::cancelled) throw;
      failed = true;
    }
    if (failed) co_await async::sleep_for(pause_when_database_fails);
  }
  over_.erase(number);
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
  to_load_.push_back(source.shared_from_this());
  load_wanted_.set();
}

Task<void> Home::load_pages() {
  for (;;) {
    co_await load_wanted_.wait();
    if (to_load_.empty()) {
      load_wanted_.reset();
      continue;
    }
    const std::shared_ptr<Source> source = std::move(to_load_.front());
    to_load_.pop_front();
    const bool loaded = co_await load_one(*source);
    source->load_queued = false;
    if (!loaded) co_await async::sleep_for(pause_when_database_fails);
    serve(*source);
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
    statistics.queues.push_back({name, queue.ready(), queue.in_work(), queue.delayed()});
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
