#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sinew/async/sim/node.hpp"
#include "sinew/async/sim/world.hpp"
#include "sinew/context/host.hpp"
#include "sinew/context/naming.hpp"
#include "sinew/event/typed.hpp"
#include "sinew/http/client.hpp"
#include "sinew/sim/options.hpp"

namespace sinew::sim {

// A whole host with its contexts in virtual time: real contexts, real SQLite, the embedded broker;
// no ports, no threads, no sleeping. The same seed tells the same story.
//
//   sim::for_seeds(100, [](std::uint64_t seed) {
//     sim::World world({.seed = seed, .disk = async::sim::DiskOptions{}, .duplicates = 0.1});
//     world.add<Orders>().add<Stock>();
//     world.invariant("stock is never negative", [](sim::World& w) {
//       return w.number("stock", "SELECT COUNT(*) FROM stock WHERE free < 0") == 0;
//     });
//     world.start();
//     world.post("orders", "/orders", order);
//     world.endure(3);  // power cuts, at moments that the seed draws
//     world.settle();
//   });
//
// What a test calls here runs from outside of the simulation; never inside of a task.
class World {
 public:
  using Factory = std::function<std::unique_ptr<context::Context>()>;
  using Where = std::source_location;

  explicit World(const WorldOptions& options = {});
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  virtual ~World();

  // Before start(). A context is made anew for each process; once more to learn its name.
  World& add(Factory make);
  template <class C, class... Arguments>
  World& add(Arguments... arguments) {
    return add(Factory([arguments...] { return std::make_unique<C>(arguments...); }));
  }
  // What must hold whenever the world has come to rest: settle() asks. Exceptions count as broken.
  World& invariant(std::string name, std::function<bool(World&)> holds);

  // A process with the contexts, each at the address it had before. Throws what Host::start()
  // throws, and async::sim::Stuck when the power went meanwhile.
  void start();
  // start() as whatever supervises the process does: again after a power cut or a failing disk.
  void restart();
  // The process stops in order.
  void stop();
  // stop() where that is possible, else crash(): for who must outlive the process and not the
  // world.
  void end();
  // The process ends where it is; the machine goes on.
  void crash();

  // Needs a simulated disk. The machine ends: what was not synced is lost, kept, or kept in part,
  // and of the drop folders' last moves some.
  void cut_power();
  // The power goes during the disk's `count`-th operation from here: down() from then on, and
  // cut_power() is due.
  void cut_power_after(std::uint64_t count);
  void forget_cut();
  std::uint64_t disk_operations() const;
  // From now on no file in this folder of the system grows (a context's name, `broker`; nothing:
  // in any), until make_room().
  void fill_disk(const std::string& below = "");
  void make_room();
  bool down() const;
  // So many power cuts, each at an operation of the disk that the seed draws within the next
  // seconds, each followed by restart(). Ends with the world healed: no more faults.
  void endure(int power_cuts);

  void run_for(Duration duration);
  // Lets time pass until nothing moves any more: no message is on its way, in work or waiting, and
  // no saga runs unless `rest` leaves them. False when that takes longer than `patience`. Then the
  // invariants: throws Failure.
  enum class Rest : bool { of_all, but_sagas };
  bool settle(Duration patience = std::chrono::minutes(1), Rest rest = Rest::of_all);

  // A client outside of the process speaks to a context. Errors: those of http::Client::send.
  http::Response send(std::string_view context, http::ClientRequest request);
  http::Response get(std::string_view context, const std::string& path);
  http::Response post(std::string_view context, const std::string& path, const Json& body);
  // Puts a file into a drop folder and waits until it was taken or refused.
  void drop(const std::string& context, const std::string& kind, const std::string& file,
            const std::string& content);
  // A message of a context that is not in the world, with the type's owner as its source: an event
  // to the owner's topic, a command to its queue, to be answered to reply_queue.
  template <event::Typed E>
  messaging::Message message(const E& said, std::string key) {
    auto envelope = event::seal(said, header(E::type.name, std::move(key)), codecs());
    const auto owner = context::owner_of(E::type.name);
    if constexpr (event::TypedCommand<E>) {
      envelope.reply_to = reply_queue;
      return {context::commands_of(owner), std::move(envelope)};
    }
    return {context::events_of(owner), std::move(envelope)};
  }
  // Brings it to the broker, each time anew. Throws Failure when no context hears it, and what the
  // broker throws.
  void deliver(const messaging::Message& message, const Where& where = Where::current());
  static constexpr auto reply_queue = "test.replies";

  // What the contexts have published so far, each message once: events, commands, replies.
  const std::vector<messaging::Message>& published() const;

  // The rows of a query of a context's database, each an array; bytes as hex. Throws Error
  // not_found when there is no such context.
  JsonArray rows(std::string_view context, std::string_view sql);
  // The first column of the only row.
  std::int64_t number(std::string_view context, std::string_view sql);
  context::Activity activity();  // of all contexts together

  context::ContextRunner& context(std::string_view name);
  std::vector<std::string> contexts() const;
  std::filesystem::path folder() const;
  std::string url_of(std::string_view context) const;  // also while it is down
  context::Host& host();
  // Of the process now, or the last one.
  async::sim::Node& node();
  async::sim::Node& outside();
  http::Client& client();
  const event::Codecs& codecs() const;  // of WorldOptions::contexts
  async::sim::World& simulation();
  async::sim::Random& random() { return simulation().random(); }

 private:
  struct State;
  event::Envelope header(std::string_view type, std::string key);
  bool rests(Rest rest);
  void check_invariants();
  void forget_some_moves();

  std::unique_ptr<State> state_;
};

}  // namespace sinew::sim
