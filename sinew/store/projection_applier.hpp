#pragma once

#include <cstddef>
#include <exception>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "sinew/store/event_log.hpp"
#include "sinew/store/projection.hpp"
#include "sinew/store/projection_tables.hpp"

namespace sinew::store {

// Gives events to a projection for one generation of its view.
class ProjectionApplier {
 public:
  // Without `generation`: the live one.
  ProjectionApplier(Projection& projection, std::optional<std::int64_t> generation)
      : projection_(projection), statements_(projection.tables(), generation) {}

  Task<void> apply(Transaction& transaction, const RecordedEvent& event);

  // The event is left out from now on: it was refused, and an operator allowed that.
  void leave_out(const Uuid& event) { left_out_.insert(event); }

 private:
  Projection& projection_;
  ViewStatements statements_;
  std::set<Uuid> left_out_;  // as many as operators skipped
};

// One transaction's try to take events into a view. Its fields are set by the last run of the
// body, which may run several times.
struct ApplyAttempt {
  std::optional<std::size_t> refused;  // index of the event whose apply() threw
  bool overtaken = false;              // another runner, or an operator, moved the view meanwhile
};

// What a failed transaction means.
enum class ApplyFailure : std::uint8_t {
  transient,  // the database cannot do it now
  refused,    // the event cannot be applied
  foreign,    // for who runs the runner: cancelled, another runner at work
};
ApplyFailure judge(const std::exception_ptr& failure, const ApplyAttempt& attempt);

std::string describe(const std::exception_ptr& failure);
std::string describe(const RecordedEvent& event, std::string_view error);

}  // namespace sinew::store
