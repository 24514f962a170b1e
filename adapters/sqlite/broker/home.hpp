#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "adapters/sqlite/broker/clock.hpp"
#include "adapters/sqlite/broker/directory.hpp"
#include "adapters/sqlite/broker/link.hpp"
#include "adapters/sqlite/broker/publication.hpp"
#include "adapters/sqlite/broker/sweeper.hpp"
#include "adapters/sqlite/embedded_broker.hpp"
#include "sinew/async/channel.hpp"
#include "sinew/async/runtime.hpp"
#include "sinew/async/scope.hpp"
#include "sinew/base/log.hpp"
#include "sinew/messaging/queue_operator.hpp"

namespace sinew::sqlite::broker {

// The broker itself, on its own worker: queues and topics over one database, and the links to the
// subscriptions. All members are called there.
class Home final : private LinkHome, private async::Timer {
 public:
  Home(async::Runtime& runtime, std::unique_ptr<Database> database, BrokerLimits limits,
       Duration retention_interval);
  ~Home();

  // Reads what the database holds. Once, before anything else.
  Task<void> start();

  Task<void> declare(messaging::Topology topology);
  Task<std::vector<messaging::Confirm>> publish(std::vector<messaging::Message> messages);
  Task<std::shared_ptr<Link>> subscribe(messaging::SubscribeOptions options,
                                        async::Runtime& away_worker);
  Task<void> settle(std::shared_ptr<Link> link, std::vector<messaging::Settle> settlements);
  Task<void> renew(std::shared_ptr<Link> link);
  Task<void> leave(std::shared_ptr<Link> link);
  Task<std::vector<messaging::TopicStatus>> topics();
  Task<messaging::GroupStatus> lag(std::string topic, std::string group);
  Task<std::vector<messaging::Moved>> reset(messaging::GroupReset reset);
  BrokerStatistics statistics() const;
  Task<std::vector<messaging::QueueStatus>> queues();
  Task<std::vector<event::Envelope>> look(std::string name, std::size_t limit);
  Task<std::int64_t> purge(std::string name, bool dry_run);
  Task<std::int64_t> redrive(std::string name, bool dry_run);
  Task<void> close();

 private:
  void demanded(Link& link, std::size_t limit) noexcept override;
  void detached(Link& link) noexcept override;
  void parted(Link& link) noexcept override;
  void fire() noexcept override;

  void check_open() const;
  void add(QueueRow row);
  void part(Link& link, Departure departure) noexcept;
  Task<void> remove_unused(std::shared_ptr<QueueSource> source);
  void remove(QueueSource& source) noexcept;
  Task<void> remove_rows(std::int64_t number);
  using WhereTo =
      std::function<std::pair<bool, std::shared_ptr<QueueSource>>(const event::Envelope&)>;
  std::shared_ptr<QueueSource> queue_called(const std::string& name) const;
  Task<std::int64_t> take_out(std::shared_ptr<QueueSource> source, Transfer::Kind kind,
                              bool dry_run, WhereTo where);
  Task<Source*> find_source(const messaging::SubscribeOptions& options);
  Task<Source*> find_group(const messaging::SubscribeOptions& options);
  Topic& topic_called(const std::string& name);
  Task<void> clean_topics();
  Task<void> clean(Topic& topic);
  Task<bool> clean_step(Topic& topic, std::size_t partition);
  Task<void> find_out(std::unique_ptr<Publication> publication);
  Task<void> load_pages();
  Task<bool> load_one(Source& source);
  void serve(Source& source) noexcept;
  void wake_at(Instant when) noexcept;
  template <class F>
  void for_each_source(F function) const;

  async::Runtime& runtime_;
  std::unique_ptr<Database> database_;
  BrokerLimits limits_;
  Duration retention_interval_;
  Clock clock_;
  Directory directory_;
  Sweeper sweeper_;
  std::map<MemberId, std::shared_ptr<Link>> links_;
  MemberId next_member_ = 1;
  std::set<std::int64_t> over_;  // numbers of queues that are over, until their rows are gone
  std::deque<std::shared_ptr<Source>> to_load_;
  async::Event load_wanted_;
  async::Event clean_wanted_;
  async::Event all_parted_;
  Instant wakes_at_ = Instant::max();
  bool closing_ = false;
  log::Logger log_;
  async::Scope tasks_;  // last: ends before what it works on
};

}  // namespace sinew::sqlite::broker
