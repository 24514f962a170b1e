#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/store/event_log.hpp"
#include "sinew/store/projection_runner.hpp"
#include "tests/conformance/engine.hpp"

namespace sinew::conformance {

// Checkpoints and projections on an engine: a view and how far it has come never disagree, no event
// counts twice or is skipped, and two runners of one name find out.
class ProjectionConformance : public Conformance {
 protected:
  Task<void> append(std::string stream, std::vector<std::string> data);
  Task<std::int64_t> applied();
  // Runs a projection beside `work`, and stops it once `done`.
  Task<void> project(store::ProjectionRunner& runner, Task<void> work, std::function<bool()> done);
  // Runs two runners of one name beside `work`, then ends them. Gives how many of them gave way to
  // the other.
  Task<int> compete(store::ProjectionRunner& first, store::ProjectionRunner& second,
                    std::function<Task<void>(const int& stopped)> work);
};

// Lists, by stream, what the events say, in their order: one that is skipped, doubled or out of
// order is seen. What it cannot apply are the texts of `refused`.
class Lists : public store::Projection {
 public:
  explicit Lists(std::int64_t version = 1) : version_(version) {}

  std::string_view name() const noexcept override { return "lists"; }
  std::span<const store::ViewTable> tables() const noexcept override;
  std::int64_t version() const noexcept override { return version_; }
  store::OnRefusal on_refusal() const noexcept override { return policy; }
  Task<void> apply(store::Transaction& tx, const store::RecordedEvent& event) override;

  std::vector<std::string> refused;
  store::OnRefusal policy = store::OnRefusal::pause_all;
  std::int64_t calls = 0;  // of apply()

 private:
  std::int64_t version_;
};

// ... rebuilt beside the live one and swapped, or held by key: the live view is whole at any
// moment, and in the end what the log makes.
class ViewConformance : public ProjectionConformance {
 protected:
  // The live view: a line a stream, "stream: text text", in order.
  Task<std::vector<std::string>> lists();
  // What the view ought to be, from the log alone.
  Task<std::vector<std::string>> expected();
  Task<void> ask_for_rebuild(store::ProjectionRunner& runner);
  // Until the runner says so; fails the test after a while.
  Task<void> until(std::function<bool()> done);
  // Until what rebuilds left is removed.
  Task<void> until_one_generation();
  Task<std::int64_t> count(std::string sql);
  Task<bool> has_table(std::string name);
};

class ProjectionRebuildConformance : public ViewConformance {};
class ProjectionHeldConformance : public ViewConformance {};

}  // namespace sinew::conformance
