#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "sinew/async/task.hpp"
#include "sinew/base/id.hpp"
#include "sinew/base/time.hpp"
#include "sinew/event/envelope.hpp"
#include "sinew/messaging/reply.hpp"
#include "sinew/store/transaction.hpp"

// Semantic locks of a participant: what one saga has changed and may still take back is kept from
// other sagas. Their commands wait in a stash, durable and in order, and run when the owner
// confirms or compensates. Every function is part of the handler's transaction.
namespace sinew::saga {

// What a command does with the lock of its resource.
enum class LockUse : std::uint8_t {
  acquire,  // the saga owns the resource from the command's acceptance on
  wait,     // waits for the owner, owns nothing itself
  release,  // confirms or compensates: ends the saga's ownership, never waits
};

// Which resource a command is about, and what it does with the lock.
template <class F>
struct LockRule {
  LockUse use;
  F resource;  // std::string(const Command&): 1 to 200 bytes
};
template <class F>
LockRule<F> locks(F resource) {
  return {LockUse::acquire, std::move(resource)};
}
template <class F>
LockRule<F> waits_for(F resource) {
  return {LockUse::wait, std::move(resource)};
}
template <class F>
LockRule<F> unlocks(F resource) {
  return {LockUse::release, std::move(resource)};
}

// The saga that sent a command; none: no saga did.
struct LockOwner {
  std::string definition;
  std::string id;
  friend bool operator==(const LockOwner&, const LockOwner&) = default;
};
std::optional<LockOwner> owner_of(const event::Envelope& command);

struct Lock {
  std::string resource;
  LockOwner owner;
  bool accepted = false;  // false: handed over, the owner's command has yet to run
  Timestamp locked_at{};
  std::int64_t waiting = 0;  // commands in the stash
};
// By resource, `limit` at most.
Task<std::vector<Lock>> list_locks(store::Transaction& transaction, std::size_t limit);

// The locks as the commands of one queue meet them.
class Locks {
 public:
  // Commands that may wait for one resource; then they are rejected as `locked`.
  static constexpr std::int64_t max_stash = 100;

  // `consumer`: the name of the consumer of those commands, whose backlog takes what leaves the
  // stash.
  explicit Locks(std::string consumer) : consumer_(std::move(consumer)) {}

  struct Command {
    const event::Envelope& message;
    LockUse use;
    std::string resource;
    Uuid sequence;  // UUIDv7: its place in the stash
    Timestamp now{};
  };

  // Before the handler. run: it is the command's turn. stashed: accept it, answer nothing. A
  // rejection, to be answered:
  //   locked    the stash is full; or the saga holds a lock here and may not wait for another, so
  //             that no two wait for each other
  //   no_saga   an acquiring command that no saga sent: nobody would release the lock
  // A release takes the saga's own commands out of the stash: it gave up waiting. An attempt that
  // is repeated takes its earlier one's place. Errors: invalid_input (resource).
  enum class Turn : std::uint8_t { run, stashed };
  Task<std::variant<Turn, messaging::Rejection>> enter(store::Transaction& transaction,
                                                       Command command);

  // After the handler: takes the lock, keeps it or hands it on. True: commands left the stash for
  // the backlog; have the consumer look at it after the commit.
  Task<bool> leave(store::Transaction& transaction, Command command, bool accepted);

  // An operator's: takes the lock from its owner and hands it on. Error not_found. Recorded by the
  // caller.
  static Task<void> force_release(store::Transaction& transaction, std::string resource,
                                  Timestamp now);

 private:
  std::string consumer_;
};

}  // namespace sinew::saga
