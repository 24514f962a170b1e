#pragma once

#include <concepts>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "sinew/context/context.hpp"
#include "sinew/context/dispatcher.hpp"
#include "sinew/context/naming.hpp"
#include "sinew/event/upcasters.hpp"
#include "sinew/exchange/drop_folder.hpp"
#include "sinew/http/router.hpp"
#include "sinew/messaging/consumer.hpp"
#include "sinew/messaging/middleware.hpp"
#include "sinew/saga/builder.hpp"
#include "sinew/saga/definition.hpp"
#include "sinew/saga/locks.hpp"
#include "sinew/store/migration.hpp"
#include "sinew/store/personal_events.hpp"
#include "sinew/store/projection.hpp"

namespace sinew::context {

// Which of a context's messages.
enum class Messages : std::uint8_t { all, events, commands, replies };

// What a context owns, answers and listens to, said once in describe(). Handlers are members of the
// context:
//
//   spec.migrations(kMigrations)
//       .route(http::Method::post, "/orders", &Sales::place_order)
//       .handles(&Sales::complete_order)  // Task<void>(Transaction&, Event, const Envelope&)
//       .answers(&Sales::reserve)  // Task<Answer<Reply>>(Transaction&, Command, const Envelope&)
//       .saga(place_order_saga());
//
// A handler that takes a Transaction runs in the one that also writes the inbox mark. One that must
// ask the world first takes the Handling instead and commits itself.
class ContextSpec {
 public:
  explicit ContextSpec(Context& self) : self_(self) {}

  // The context's own tables, after Sinew's. Nothing else may be migrated.
  ContextSpec& migrations(std::span<const store::Migration> migrations);
  // Lifts events and commands of older versions; see event::Upcasters.
  event::Upcasters& upcasters() { return upcasters_; }

  // Events of this context's own log with personal members: they are sealed, and can be erased by
  // Context::forget_person(). The host is then given a master key (personal_data.master_key).
  template <event::Personal... E>
  ContextSpec& personal() {
    (personal_.add<E>(), ...);
    return *this;
  }

  template <class C, class R, class... A>
  ContextSpec& route(http::Method method, std::string pattern, R (C::*handler)(A...)) {
    router_.route(method, std::move(pattern), static_cast<C&>(self_), handler);
    return *this;
  }

  // ... that reads from a view of this context: it is called once the view has what the request
  // asks for; see position.hpp.
  template <class C, class R, class... A>
  ContextSpec& route(http::Method method, std::string pattern, R (C::*handler)(A...),
                     const store::Projection& view) {
    return add_view_route(method, std::move(pattern),
                          http::make_handler(static_cast<C&>(self_), handler), view);
  }

  // Events of another context, from the beginning of its topic.
  template <class C, event::Typed E>
  ContextSpec& handles(Task<void> (C::*handler)(store::Transaction&, E, const event::Envelope&));
  template <class C, event::Typed E>
  ContextSpec& handles(Task<void> (C::*handler)(messaging::Handling&, E));

  // A step of a choreographed process: the event that follows, one of Next, is published by
  // react(); std::monostate: none does.
  template <class C, event::Typed E, class... Next>
  ContextSpec& reacts(Task<std::variant<Next...>> (C::*handler)(store::Transaction&, E,
                                                                const event::Envelope&));

  // Commands to this context; the reply goes out with the effect.
  template <class C, event::TypedCommand E>
  ContextSpec& answers(Task<messaging::Answer<typename E::Reply>> (C::*handler)(
      store::Transaction&, E, const event::Envelope&));
  // ... about a resource that sagas lock: saga::locks(), waits_for() or unlocks() tells which. One
  // that finds it locked by another saga is stashed and runs when that saga unlocks it.
  template <class C, event::TypedCommand E, class F>
  ContextSpec& answers(Task<messaging::Answer<typename E::Reply>> (C::*handler)(
                           store::Transaction&, E, const event::Envelope&),
                       saga::LockRule<F> rule);
  // ... that ask the world first, commit and reply() themselves.
  template <class C, event::TypedCommand E>
  ContextSpec& answers(Task<void> (C::*handler)(messaging::Handling&, E));

  // A question to another context that handlers ask while somebody waits; see Context::ask().
  template <event::TypedCommand C>
  ContextSpec& asks() {
    return add_question(C::type.name);
  }

  ContextSpec& saga(saga::Definition definition);
  ContextSpec& projection(store::Projection& projection);

  // Files dropped into <folder>/drop/<name>/, each handled once; see exchange::DropFolder.
  template <class C>
  ContextSpec& drop(std::string name, Task<void> (C::*handler)(exchange::DroppedFile&)) {
    return add_drop(std::move(name),
                    [&self = static_cast<C&>(self_), handler](exchange::DroppedFile& file) {
                      return (self.*handler)(file);
                    });
  }

  // What stays of the events that this context publishes; otherwise all of them, for good. A
  // context that begins to handle them later sees what is left.
  ContextSpec& keeps_events(messaging::Retention retention);

  // Around what this context handles: messaging/middleware.hpp says where, by what it is derived
  // from. Of one place the first described is the outermost. It lives as long as the context.
  template <messaging::Middleware M>
  ContextSpec& middleware(M& middleware, Messages which = Messages::all) {
    const auto add = [&](Messages kind, messaging::Middlewares& to) {
      if (which == Messages::all || which == kind) to.add(middleware);
    };
    add(Messages::events, around_events_);
    add(Messages::commands, around_commands_);
    add(Messages::replies, around_replies_);
    return *this;
  }

  // Policy of the consumers, all of them, instead of the one that the host gives.
  ContextSpec& retry(messaging::RetrySettings settings);

 private:
  friend class ContextRunner;
  using DropHandler = std::function<Task<void>(exchange::DroppedFile&)>;

  template <event::Typed E>
  E read(const messaging::Handling& handling) const {
    return event::open<E>(handling.message(), upcasters_, self_.resources_->codecs);
  }
  static Task<void> nothing() { co_return; }
  ContextSpec& add_drop(std::string name, DropHandler handler);
  ContextSpec& add_event(std::string_view type, Dispatcher::Function function);
  ContextSpec& add_command(std::string_view type, Dispatcher::Function function);
  ContextSpec& add_question(std::string_view type);
  ContextSpec& add_view_route(http::Method method, std::string pattern, http::Handler handler,
                              const store::Projection& view);
  // Error invalid_input: a route reads from a view that projection() does not name.
  void check_views() const;

  // Error invalid_input: something is locked that no command unlocks.
  void check_locks() const;
  saga::Locks::Command locked(const event::Envelope& message, saga::LockUse use,
                              std::string resource) const;
  // False: the command waits, or was answered with a no.
  Task<bool> enter_lock(store::Transaction& tx, const saga::Locks::Command& command);
  Task<void> leave_lock(store::Transaction& tx, const saga::Locks::Command& command, bool accepted);

  Context& self_;
  std::span<const store::Migration> migrations_;
  event::Upcasters upcasters_;
  store::PersonalEvents personal_;
  std::vector<event::EventType> handled_;
  http::Router router_;
  std::map<std::string, Dispatcher> topics_;  // by the context that owns them
  Dispatcher commands_{Dispatcher::Unknown::refuse};
  bool has_commands_ = false;
  bool has_questions_ = false;
  bool locks_ = false;
  bool unlocks_ = false;
  store::CommitListener* unstashed_ = nullptr;  // hears that commands left the stash
  std::vector<saga::Definition> sagas_;
  std::vector<store::Projection*> projections_;
  std::vector<const store::Projection*> read_views_;  // by routes
  std::map<std::string, DropHandler> drops_;
  messaging::Middlewares around_events_;
  messaging::Middlewares around_commands_;
  messaging::Middlewares around_replies_;
  std::optional<messaging::RetrySettings> retry_;
  messaging::Retention retention_;
};

template <class C, event::Typed E>
ContextSpec& ContextSpec::handles(Task<void> (C::*handler)(store::Transaction&, E,
                                                           const event::Envelope&)) {
  auto& self = static_cast<C&>(self_);
  handled_.push_back(E::type);
  return add_event(E::type.name,
                   [this, &self, handler](messaging::Handling& handling) -> Task<void> {
                     const E event = read<E>(handling);
                     co_await handling.commit([&](store::Transaction& tx) -> Task<void> {
                       co_await (self.*handler)(tx, event, handling.message());
                     });
                   });
}

template <class C, event::Typed E>
ContextSpec& ContextSpec::handles(Task<void> (C::*handler)(messaging::Handling&, E)) {
  auto& self = static_cast<C&>(self_);
  handled_.push_back(E::type);
  return add_event(E::type.name,
                   [this, &self, handler](messaging::Handling& handling) -> Task<void> {
                     co_await (self.*handler)(handling, read<E>(handling));
                   });
}

template <class C, event::Typed E, class... Next>
ContextSpec& ContextSpec::reacts(
    Task<std::variant<Next...>> (C::*handler)(store::Transaction&, E, const event::Envelope&)) {
  auto& self = static_cast<C&>(self_);
  handled_.push_back(E::type);
  return add_event(E::type.name,
                   [this, &self, handler](messaging::Handling& handling) -> Task<void> {
                     const event::Envelope& message = handling.message();
                     const E event = read<E>(handling);
                     co_await handling.commit([&](store::Transaction& tx) -> Task<void> {
                       const auto next = co_await (self.*handler)(tx, event, message);
                       co_await std::visit(
                           [&]<class N>(const N& following) -> Task<void> {
                             if constexpr (!std::same_as<N, std::monostate>) {
                               return self_.react(tx, message, following);
                             } else {
                               return nothing();
                             }
                           },
                           next);
                     });
                   });
}

template <class C, event::TypedCommand E, class F>
ContextSpec& ContextSpec::answers(Task<messaging::Answer<typename E::Reply>> (C::*handler)(
                                      store::Transaction&, E, const event::Envelope&),
                                  saga::LockRule<F> rule) {
  auto& self = static_cast<C&>(self_);
  handled_.push_back(E::type);
  locks_ = locks_ || rule.use == saga::LockUse::acquire;
  unlocks_ = unlocks_ || rule.use == saga::LockUse::release;
  return add_command(
      E::type.name,
      [this, &self, handler, rule = std::move(rule)](messaging::Handling& handling) -> Task<void> {
        using Reply = typename E::Reply;
        const event::Envelope& message = handling.message();
        const E command = read<E>(handling);
        const auto lock = locked(message, rule.use, rule.resource(command));
        co_await handling.commit([&](store::Transaction& tx) -> Task<void> {
          if (!co_await enter_lock(tx, lock)) co_return;
          const auto answer = co_await (self.*handler)(tx, command, message);
          co_await leave_lock(tx, lock, std::holds_alternative<Reply>(answer));
          co_await self_.reply<Reply>(tx, message, answer);
        });
      });
}

template <class C, event::TypedCommand E>
ContextSpec& ContextSpec::answers(Task<messaging::Answer<typename E::Reply>> (C::*handler)(
    store::Transaction&, E, const event::Envelope&)) {
  auto& self = static_cast<C&>(self_);
  handled_.push_back(E::type);
  return add_command(
      E::type.name, [this, &self, handler](messaging::Handling& handling) -> Task<void> {
        const E command = read<E>(handling);
        co_await handling.commit([&](store::Transaction& tx) -> Task<void> {
          const auto answer = co_await (self.*handler)(tx, command, handling.message());
          co_await self_.reply<typename E::Reply>(tx, handling.message(), answer);
        });
      });
}

template <class C, event::TypedCommand E>
ContextSpec& ContextSpec::answers(Task<void> (C::*handler)(messaging::Handling&, E)) {
  auto& self = static_cast<C&>(self_);
  handled_.push_back(E::type);
  return add_command(E::type.name,
                     [this, &self, handler](messaging::Handling& handling) -> Task<void> {
                       co_await (self.*handler)(handling, read<E>(handling));
                     });
}

}  // namespace sinew::context
