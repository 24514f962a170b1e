#include "adapters/sqlite/broker/declaration.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>

#include "sinew/base/error.hpp"

namespace sinew::sqlite::broker {
namespace {

using messaging::QueueLife;
using messaging::QueueSpec;

class Check {
 public:
  Check(const std::vector<QueueSpec>& queues, const Directory& directory)
      : queues_(queues), directory_(directory) {}

  std::vector<std::string> problems() {
    for (const QueueSpec& spec : queues_) {
      check_settings(spec);
      if (!spec.dead_letter.empty()) check_dead_letter(spec);
    }
    return std::move(problems_);
  }

 private:
  template <class... A>
  void refuse(fmt::format_string<A...> format, A&&... arguments) {
    problems_.push_back(fmt::format(format, std::forward<A>(arguments)...));
  }

  const QueueSpec* find(const std::string& name) const {
    const auto declared = std::ranges::find(queues_, name, &QueueSpec::name);
    if (declared != queues_.end()) return &*declared;
    const QueueSource* known = directory_.queue(name);
    return known == nullptr ? nullptr : &known->spec();
  }

  void check_settings(const QueueSpec& spec) {
    if (spec.max_messages < 1) {
      refuse("the queue {} has max_messages={}: from 1", spec.name, spec.max_messages);
    }
    if (spec.ttl && (*spec.ttl < std::chrono::milliseconds(1) || *spec.ttl > event::max_delay)) {
      refuse("the queue {} has a ttl of {} ms: 1 ms to {} h", spec.name,
             *spec.ttl / std::chrono::milliseconds(1), event::max_delay / std::chrono::hours(1));
    }
  }

  void check_dead_letter(const QueueSpec& spec) {
    const QueueSpec* next = find(spec.dead_letter);
    if (next == nullptr) {
      return refuse("the dead-letter queue {} of {} is missing: declare it before or with it",
                    spec.dead_letter, spec.name);
    }
    if (next->life != QueueLife::lasting) {
      return refuse("the dead-letter queue {} of {} is not lasting: its messages would be lost",
                    spec.dead_letter, spec.name);
    }
    // As many steps as there are queues lead back, or to the end.
    const std::size_t steps = queues_.size() + directory_.queues.size();
    for (std::size_t i = 0; i < steps && next != nullptr; ++i) {
      if (next->name == spec.name) {
        return refuse(
            "the dead letters of {} would come back to it: let {} have another "
            "dead-letter queue, or none",
            spec.name, spec.dead_letter);
      }
      next = next->dead_letter.empty() ? nullptr : find(next->dead_letter);
    }
  }

  const std::vector<QueueSpec>& queues_;
  const Directory& directory_;
  std::vector<std::string> problems_;
};

}  // namespace

void check(const std::vector<QueueSpec>& queues, const Directory& directory) {
  for (const QueueSpec& spec : queues)
    store::validate({messaging::DestinationKind::queue, spec.name});
  const auto problems = Check(queues, directory).problems();
  if (problems.empty()) return;
  throw Error(Condition::invalid_input, fmt::format("{}", fmt::join(problems, "; ")));
}

}  // namespace sinew::sqlite::broker
