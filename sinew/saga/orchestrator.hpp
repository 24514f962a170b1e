#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sinew/async/channel.hpp"
#include "sinew/async/runtime.hpp"
#include "sinew/base/log.hpp"
#include "sinew/messaging/handler.hpp"
#include "sinew/messaging/reply.hpp"
#include "sinew/saga/instances.hpp"
#include "sinew/saga/machine.hpp"
#include "sinew/saga/verb_requests.hpp"
#include "sinew/store/database.hpp"
#include "sinew/store/outbox.hpp"

namespace sinew::saga {

// Who the orchestrator is to its participants.
struct Address {
  std::string source;   // CloudEvents source of its commands
  std::string replies;  // the queue that participants answer to
};

// Drives the sagas of one context. A transition is one transaction: the instance by
// compare-and-set, the command in the outbox, the inbox mark of the reply, the history. So a crash
// at any moment leaves it before or after, never between; timeouts and retries are rows and survive
// too.
//
// Timers are moments of the wall clock: set forward, it makes them due early; set back, it makes no
// wait longer than twice what it was, also when it was set while no process ran.
//
// A reply to another attempt than the current one, or to a finished saga, changes nothing but the
// history. Where the definition's own code throws on a saga's data or on a reply, that saga alone
// stops, suspended with the error, and the others go on.
//
// As a handler it serves the queue of replies. Lives on the context's worker.
class Orchestrator final : public messaging::Handler, private store::CommitListener {
 public:
  Orchestrator(async::Runtime& runtime, store::Database& database, store::Outbox& outbox,
               Address address);

  // Registers a definition; several versions of one name may be live, new instances take the
  // highest. Errors: invalid_input (see validate), conflict (registered twice).
  void add(Definition definition);
  // Null: not registered.
  const Definition* find(std::string_view name, std::int32_t version) const noexcept;
  // Executes what operators asked to be migrated. Then: Error unsupported when the database has
  // live instances of a version that is not registered; names the version, how many and one of
  // them, and the verb that takes them over.
  Task<void> check_live_versions();

  // Starts a saga in the transaction. The id is the business key: starting it again is a conflict.
  // Errors: not_found (no such definition), conflict, invalid_input (id), and what a local step
  // throws that is reached at once.
  Task<void> start(store::Transaction& transaction, std::string name, std::string id, Json data,
                   event::Lineage lineage);

  // Timeouts, retries and operators' verbs, until the scope is cancelled.
  Task<void> run();
  // A verb was recorded: look now.
  void wake() noexcept { due_.set(); }

  Task<void> handle(messaging::Handling& handling) override;

  std::uint64_t late_replies() const noexcept { return late_replies_; }

 private:
  class LocalFailure;
  // What rolled back the former runs of a transition; it then runs again, knowing this.
  struct Setbacks {
    struct Local {
      std::string step;
      bool forward = true;
      std::string error;
    };
    std::vector<Local> failed;  // local steps: they count as failed, without being run
    std::string broken;         // the definition's code, elsewhere; empty: not
  };
  // One transition's input, with what the history says of it.
  struct Cause {
    Input input;
    std::string what;
    std::string detail;
  };

  // What run() does next, read at once.
  struct Agenda {
    std::vector<VerbRequest> verbs;
    std::vector<InstanceKey> due;
    std::optional<Timestamp> next;
  };

  void committed() noexcept override { due_.set(); }
  const Definition& definition_of(const Instance& instance) const;
  template <class Run>
  Task<void> persist(Run run);
  Task<bool> take_reply(store::Transaction& tx, const event::Envelope& reply,
                        const Setbacks& setbacks);
  static Cause cause_of(const event::Envelope& reply, const Setbacks& setbacks);
  Task<Next> transition(store::Transaction& tx, const Definition& definition, Instance& instance,
                        Cause cause, const Setbacks& setbacks);
  Task<void> proceed(store::Transaction& tx, Instance instance, Cause cause,
                     const Setbacks& setbacks);
  Task<Input> run_local(store::Transaction& tx, const Definition& definition,
                        const Instance& instance, const Setbacks& setbacks);
  Duration draw_pause(const Definition& definition, const Instance& instance);
  Task<void> send(store::Transaction& tx, const Definition& definition, const Instance& instance);
  Task<void> note(store::Transaction& tx, const Instance& instance, std::string step,
                  std::string what, std::string detail);
  Task<Duration> work();
  Task<Agenda> read_agenda();
  Task<void> mind_the_clock();
  Task<void> execute_verb(VerbRequest request);
  std::string refusal_of(const VerbRequest& request, const Instance& instance) const;
  const Definition& wanted_version(const VerbRequest& request) const;
  Task<void> migrate(store::Transaction& tx, const VerbRequest& request, Instance instance);
  Task<void> execute_verb(store::Transaction& tx, const VerbRequest& request,
                          const Setbacks& setbacks);
  Task<void> wake(InstanceKey key);
  Task<void> wake(store::Transaction& tx, const InstanceKey& key, const Setbacks& setbacks);

  async::Runtime& runtime_;
  store::Database& database_;
  store::Outbox& outbox_;
  Address address_;
  log::Logger log_;
  std::map<std::string, std::map<std::int32_t, Definition>, std::less<>> definitions_;
  async::Event due_;
  std::uint64_t late_replies_ = 0;
  Timestamp last_round_ = Timestamp::max();  // by the wall clock; before the first: unknown
};

}  // namespace sinew::saga
