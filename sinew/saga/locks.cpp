#include "sinew/saga/locks.hpp"

#include <fmt/format.h>

#include <array>

#include "sinew/base/error.hpp"
#include "sinew/event/envelope_codec.hpp"
#include "sinew/messaging/backlog.hpp"

namespace sinew::saga {

using messaging::Rejection;
using store::Transaction;

namespace {

constexpr std::size_t longest_resource = 200;

struct Held {
  LockOwner owner;
  bool accepted = false;
};

Task<std::optional<Held>> find_lock(Transaction& tx, std::string resource) {
  const auto rows = co_await tx.execute(
      "SELECT saga, saga_id, accepted FROM saga_locks WHERE resource = ?", {resource});
  if (rows.empty()) co_return std::nullopt;
  co_return Held{{rows[0].text(0), rows[0].text(1)}, rows[0].boolean(2)};
}

Task<void> put_lock(Transaction& tx, std::string resource, LockOwner owner, bool accepted,
                    Timestamp now) {
  co_await tx.execute(
      "INSERT INTO saga_locks (resource, saga, saga_id, accepted, locked_at) "
      "VALUES (?, ?, ?, ?, ?) ON CONFLICT (resource) DO UPDATE SET saga = excluded.saga, "
      "saga_id = excluded.saga_id, accepted = excluded.accepted",
      {resource, owner.definition, owner.id, accepted, now});
}

Task<std::optional<std::string>> held_by(Transaction& tx, LockOwner owner) {
  const auto rows = co_await tx.execute(
      "SELECT resource FROM saga_locks WHERE saga = ? AND saga_id = ? AND accepted = 1 LIMIT 1",
      {owner.definition, owner.id});
  if (rows.empty()) co_return std::nullopt;
  co_return rows[0].text(0);
}

Task<std::int64_t> stash_size(Transaction& tx, std::string resource) {
  const auto rows =
      co_await tx.execute("SELECT COUNT(*) FROM saga_stash WHERE resource = ?", {resource});
  co_return rows[0].integer(0);
}

// A repeated attempt takes its place. False: the command does not wait yet.
Task<bool> replace_stashed(Transaction& tx, const Locks::Command& command, LockOwner owner) {
  const std::string envelope = event::encode(command.message);
  const auto updated = co_await tx.execute(
      "UPDATE saga_stash SET envelope = ? "
      "WHERE resource = ? AND saga = ? AND saga_id = ? AND type = ?",
      {std::as_bytes(std::span(envelope)), command.resource, owner.definition, owner.id,
       command.message.type});
  co_return updated.changed() > 0;
}

Task<void> stash(Transaction& tx, const Locks::Command& command, LockOwner owner,
                 std::string consumer) {
  const std::string envelope = event::encode(command.message);
  const bool acquires = command.use == LockUse::acquire;
  co_await tx.execute(
      "INSERT INTO saga_stash (sequence, resource, saga, saga_id, type, acquires, consumer, "
      "stashed_at, envelope) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {command.sequence, command.resource, owner.definition, owner.id, command.message.type,
       acquires, consumer, command.now, std::as_bytes(std::span(envelope))});
}

// Where the consumer finds it, in the order of its key, with its inbox mark already written.
Task<void> to_backlog(Transaction& tx, Uuid sequence, std::string consumer, event::Envelope message,
                      Timestamp now) {
  messaging::Backlog backlog(consumer);
  messaging::BacklogEntry entry;
  entry.sequence = sequence;
  entry.key = messaging::Backlog::key_of(message);
  entry.message = std::move(message);
  entry.arrived_at = entry.not_before = now;
  if (co_await backlog.has_key(tx, entry.key)) entry.state = messaging::BacklogState::behind;
  co_await backlog.add(tx, std::move(entry));
}

// The lock goes to the first that wants it, and those that only waited before it run.
Task<bool> hand_on(Transaction& tx, std::string resource, Timestamp now) {
  co_await tx.execute("DELETE FROM saga_locks WHERE resource = ?", {resource});
  bool moved = false;
  for (;;) {
    const auto rows = co_await tx.execute(
        "SELECT sequence, saga, saga_id, acquires, consumer, envelope FROM saga_stash "
        "WHERE resource = ? ORDER BY sequence LIMIT 1",
        {resource});
    if (rows.empty()) co_return moved;
    const auto row = rows[0];
    const Uuid sequence = row.uuid(0);
    co_await tx.execute("DELETE FROM saga_stash WHERE sequence = ?", {sequence});
    co_await to_backlog(tx, sequence, row.text(4), event::decode(row.blob(5)), now);
    moved = true;
    if (!row.boolean(3)) continue;
    co_await put_lock(tx, resource, {row.text(1), row.text(2)}, false, now);
    co_return moved;
  }
}

std::string name_of(const LockOwner& owner) { return owner.definition + "/" + owner.id; }

void check_resource(const Locks::Command& command) {
  if (!command.resource.empty() && command.resource.size() <= longest_resource) return;
  throw Error(Condition::invalid_input,
              fmt::format("{} locks \"{}\": a resource has 1 to {} bytes", command.message.type,
                          command.resource.substr(0, longest_resource), longest_resource));
}

}  // namespace

std::optional<LockOwner> owner_of(const event::Envelope& command) {
  const auto definition = command.extensions.find("sagatype");
  const auto id = command.extensions.find("sagaid");
  if (definition == command.extensions.end() || id == command.extensions.end()) return std::nullopt;
  return LockOwner{definition->second, id->second};
}

Task<std::vector<Lock>> list_locks(Transaction& tx, std::size_t limit) {
  const auto rows = co_await tx.execute(
      "SELECT l.resource, l.saga, l.saga_id, l.accepted, l.locked_at, "
      "(SELECT COUNT(*) FROM saga_stash s WHERE s.resource = l.resource) "
      "FROM saga_locks l ORDER BY l.resource LIMIT ?",
      {limit});
  std::vector<Lock> locks;
  for (const auto row : rows) {
    locks.push_back({row.text(0),
                     {row.text(1), row.text(2)},
                     row.boolean(3),
                     row.timestamp(4),
                     row.integer(5)});
  }
  co_return locks;
}

Task<std::variant<Locks::Turn, Rejection>> Locks::enter(Transaction& tx, Command command) {
  check_resource(command);
  const auto sender = owner_of(command.message);
  const LockOwner saga = sender.value_or(LockOwner());
  if (command.use == LockUse::release) {
    co_await tx.execute(
        "DELETE FROM saga_stash WHERE resource = ? AND saga = ? AND saga_id = ? AND saga <> ''",
        {command.resource, saga.definition, saga.id});
    co_return Turn::run;
  }
  if (!sender && command.use == LockUse::acquire) {
    co_return Rejection{"no_saga", "only a saga can lock: nobody else would release it"};
  }
  const auto held = co_await find_lock(tx, command.resource);
  if (!held || (sender && held->owner == saga)) co_return Turn::run;
  if (sender && co_await replace_stashed(tx, command, saga)) co_return Turn::stashed;
  const auto own = sender ? co_await held_by(tx, saga) : std::nullopt;
  if (own) {
    co_return Rejection{"locked",
                        fmt::format("{} is locked by {}, and who holds {} does not wait for it",
                                    command.resource, name_of(held->owner), *own)};
  }
  if (co_await stash_size(tx, command.resource) >= max_stash) {
    co_return Rejection{"locked", fmt::format("{} is locked by {}, and {} commands wait for it",
                                              command.resource, name_of(held->owner), max_stash)};
  }
  co_await stash(tx, command, saga, consumer_);
  co_return Turn::stashed;
}

Task<bool> Locks::leave(Transaction& tx, Command command, bool accepted) {
  const auto sender = owner_of(command.message);
  if (!sender || command.use == LockUse::wait) co_return false;
  const auto held = co_await find_lock(tx, command.resource);
  const bool own = held && held->owner == *sender;
  if (command.use == LockUse::acquire && accepted) {
    co_await put_lock(tx, command.resource, *sender, true, command.now);
    co_return false;
  }
  // A no to a lock that was only handed over leaves nothing to protect.
  const bool ends =
      command.use == LockUse::release ? accepted : !accepted && own && !held->accepted;
  if (!own || !ends) co_return false;
  co_return co_await hand_on(tx, command.resource, command.now);
}

Task<void> Locks::force_release(Transaction& tx, std::string resource, Timestamp now) {
  if (!co_await find_lock(tx, resource)) {
    throw Error(Condition::not_found,
                fmt::format("{} is not locked; `sinew saga locks` shows what is", resource));
  }
  co_await hand_on(tx, resource, now);
}

}  // namespace sinew::saga
