#pragma once

#include <memory>
#include <string>
#include <utility>

#include "sinew/async/runtime.hpp"
#include "sinew/store/database_decorator.hpp"
#include "sinew/store/personal_events.hpp"
#include "sinew/store/personal_keys.hpp"
#include "sinew/store/personal_log.hpp"

namespace sinew::store {

// A database whose event log can forget a person: crypto-shredding. Events and snapshots stay as
// they are, and what of them is personal can be read only with the person's key, which lies in a
// table beside them, wrapped by a master key from elsewhere. forget_person() deletes it.
class PersonalDatabase final : public DatabaseDecorator {
 public:
  // Makes its tables, wraps keys anew that the current master key did not wrap, and purges what an
  // earlier process erased and no longer could. Errors: unauthorized (keys wrapped by a master key
  // that is not given), those of the database; `inner` is closed then.
  static Task<std::unique_ptr<PersonalDatabase>> open(std::unique_ptr<Database> inner,
                                                      async::Runtime& runtime,
                                                      PersonalEvents events, MasterKeys masters);

  EventLog& event_log() override { return log_; }

 private:
  PersonalDatabase(std::unique_ptr<Database> inner, async::Runtime& runtime, PersonalEvents events,
                   MasterKeys masters)
      : DatabaseDecorator(*inner),
        owned_(std::move(inner)),
        events_(std::move(events)),
        keys_(runtime, std::move(masters)),
        log_(owned_->event_log(), events_, keys_) {}
  Task<void> prepare(async::Runtime& runtime);

  std::unique_ptr<Database> owned_;
  PersonalEvents events_;
  PersonalKeys keys_;
  PersonalEventLog log_;
};

struct Forgotten {
  bool known = false;   // there was a key
  bool purged = false;  // it is in no file any more; else the next start of the process tries again
};

// Purges what is erased but not purged yet; false when the database could not now.
Task<bool> purge_erased(Database& database, Timestamp now);

// Forgets a person: deletes the key and records who did, in one transaction with `also`, which
// takes a Transaction& and does what else is to be done (rows of the context's own); then purges.
// Errors: those of the transaction.
template <class Body>
Task<Forgotten> forget_person(Database& database, std::string subject, Erasure by, Body also) {
  const Timestamp now = by.at;
  Forgotten forgotten;
  forgotten.known = co_await database.transaction([&](Transaction& transaction) -> Task<bool> {
    co_await also(transaction);
    co_return co_await erase_key(transaction, subject, by);
  });
  forgotten.purged = co_await purge_erased(database, now);
  co_return forgotten;
}

}  // namespace sinew::store
