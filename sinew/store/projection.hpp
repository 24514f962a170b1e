#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "sinew/async/task.hpp"
#include "sinew/store/event_log.hpp"
#include "sinew/store/projection_tables.hpp"
#include "sinew/store/transaction.hpp"

namespace sinew::store {

// What an event that cannot be applied holds up.
enum class OnRefusal : std::uint8_t {
  pause_all,  // the whole projection: for views in which events of different keys meet
  pause_key,  // the events of its key; others go on
};

// A read model made of the events of a log. apply() writes the view's tables in the transaction
// that also moves the projection's checkpoint, so each event counts once, whatever crashes.
class Projection {
 public:
  // The checkpoint's name: never changed, unique in the database; 1 to 200 bytes.
  virtual std::string_view name() const noexcept = 0;

  // Takes one event into the view; ignores types that it does not know. It may run again for the
  // same event after a rollback, and does for each rebuild. What it throws stops the projection
  // before that event, or only the event's key: see on_refusal().
  virtual Task<void> apply(Transaction& transaction, const RecordedEvent& event) = 0;

  // The tables that apply() writes, and no others: a statement that writes elsewhere is refused.
  // They are made where they do not exist. Without any the view cannot be rebuilt.
  virtual std::span<const ViewTable> tables() const noexcept { return {}; }

  // Raised, from 1, with each change of tables() or of what apply() makes of an event: the view is
  // then rebuilt by itself.
  virtual std::int64_t version() const noexcept { return 1; }

  virtual OnRefusal on_refusal() const noexcept { return OnRefusal::pause_all; }

  // With pause_key: what must stay in order with `event`; 1 to 1024 bytes. Only a function of the
  // event.
  virtual std::string key_of(const RecordedEvent& event) const { return event.stream; }

 protected:
  ~Projection() = default;
};

}  // namespace sinew::store
