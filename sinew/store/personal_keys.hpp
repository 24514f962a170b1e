#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "sinew/async/runtime.hpp"
#include "sinew/async/task.hpp"
#include "sinew/base/id.hpp"
#include "sinew/base/secret.hpp"
#include "sinew/base/time.hpp"
#include "sinew/store/migration.hpp"
#include "sinew/store/transaction.hpp"

namespace sinew::store {

// What the keys of persons are wrapped by. Kept away from the database and its backups.
struct MasterKeys {
  // Each 32 bytes in Base64 (`openssl rand -base64 32`). `previous` is what keys may still be
  // wrapped by: they are wrapped anew at the next start. Throws Error invalid_input, and never
  // repeats a key.
  static MasterKeys parse(const Secret& current, const std::optional<Secret>& previous);

  Secret current;
  std::optional<Secret> previous;
};

// The tables of keys and erasures. Component `sinew.personal`.
MigrationSet personal_migrations();

// A data key a person, in the table personal_keys, wrapped by the master key. Work on them is part
// of the caller's transaction. Lives on the database's worker.
class PersonalKeys {
 public:
  PersonalKeys(async::Runtime& runtime, MasterKeys masters)
      : runtime_(runtime), masters_(std::move(masters)) {}

  struct Key {
    Uuid id;
    Secret secret;
  };
  // The key of a person, made now if there is none.
  Task<Key> of(Transaction& transaction, std::string subject);
  // Nothing when it was erased. Errors: unauthorized (wrapped by a master key that is not given),
  // corrupt (changed since).
  Task<std::optional<Secret>> find(Transaction& transaction, Uuid id);

  // Wraps up to `limit` keys anew that the current master key did not wrap, and gives their number.
  // Errors: as of find().
  Task<std::int64_t> rewrap(Transaction& transaction, std::int64_t limit);

  // `text` under `key`, bound to `context`; the inverse gives nothing for what was changed.
  std::string seal(const Key& key, std::string_view context, std::string_view text);

 private:
  Secret random_key();
  std::string wrap(const Uuid& id, const Secret& secret);
  Secret unwrap(const Uuid& id, std::string_view wrapped, std::string_view master) const;

  async::Runtime& runtime_;
  MasterKeys masters_;
};

// Who had a person forgotten, and why: kept for good in the table personal_erasures.
struct Erasure {
  std::string actor;   // 1 to 200 bytes
  std::string reason;  // up to 500 bytes
  Timestamp at{};
};

// Deletes the key of a person: what it sealed can be read by nobody from the commit on. False when
// there was none; the erasure is recorded either way. The files of the engine may hold the deleted
// key until Database::purge_deleted(). Errors: invalid_input (texts out of bounds).
Task<bool> erase_key(Transaction& transaction, std::string subject, Erasure by);

// The last erasure whose key may still lie in the engine's files, 0 for none; and that none up to
// it does any longer.
Task<std::int64_t> last_unpurged(Transaction& transaction);
Task<void> mark_purged(Transaction& transaction, std::int64_t through, Timestamp now);

}  // namespace sinew::store
