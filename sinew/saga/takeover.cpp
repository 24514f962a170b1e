#include "sinew/saga/takeover.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "sinew/base/error.hpp"

namespace sinew::saga {
namespace {

// One takeover under way; each check throws with its sentence.
class Move {
 public:
  Move(const Definition& definition, const Instance& instance)
      : definition_(definition), instance_(instance), takeover_(find_takeover()) {}

  std::int32_t step() const {
    check_step();
    const auto& change = changes().at(place());
    const auto to = std::ranges::find(definition_.steps, change.now, &Step::name);
    const auto index = to - definition_.steps.begin();
    check_kind(*to);
    check_name(change);
    if (instance_.kind != StepKind::retriable) check_done(static_cast<std::size_t>(index));
    return static_cast<std::int32_t>(index);
  }

  Json data() const {
    Json data = instance_.data;
    if (takeover_.lift) data = Json(takeover_.lift(std::move(data.as_object())));
    return definition_.check_data ? definition_.check_data(data) : data;
  }

 private:
  using Changes = std::vector<Takeover::StepChange>;

  const Changes& changes() const { return takeover_.steps; }
  std::size_t place() const { return static_cast<std::size_t>(instance_.step); }

  [[noreturn]] void refuse(std::string_view why) const {
    throw Error(Condition::conflict, fmt::format("saga {} cannot go on in version {}: {}",
                                                 instance_.id, definition_.version, why));
  }

  const Takeover& find_takeover() const {
    if (is_final(instance_.status)) {
      refuse(fmt::format("it is {}", to_string(instance_.status)));
    }
    if (instance_.definition_version == definition_.version) refuse("it is of that version");
    const auto found =
        std::ranges::find(definition_.takeovers, instance_.definition_version, &Takeover::version);
    if (found == definition_.takeovers.end()) {
      refuse(fmt::format("that version does not say how to take over version {}",
                         instance_.definition_version));
    }
    return *found;
  }

  void check_step() const {
    if (!instance_.kind) refuse("its row is from before steps were named; retry it once first");
    if (place() >= changes().size() || changes()[place()].before != instance_.step_name) {
      refuse(fmt::format("it stands at {}, which the takeover does not have at that place",
                         instance_.step_name));
    }
    if (changes()[place()].now.empty()) {
      refuse(fmt::format("its step {} has no counterpart there", instance_.step_name));
    }
  }

  void check_kind(const Step& to) const {
    if (to.kind == *instance_.kind) return;
    const auto side = [](StepKind kind) {
      if (kind == StepKind::pivot) return "is the pivot";
      return kind == StepKind::compensatable ? "comes before the pivot" : "comes after the pivot";
    };
    refuse(fmt::format("its step {} {}, and {} there {}", instance_.step_name,
                       side(*instance_.kind), to.name, side(to.kind)));
  }

  void check_name(const Takeover::StepChange& change) const {
    if (change.now == change.before || instance_.rejected) return;
    refuse(
        fmt::format("the outcome of {} is open and its idempotency key has that name, which is "
                    "{} there; migrate when it has gone on",
                    change.before, change.now));
  }

  // What was done must be what going back from the counterpart would undo.
  void check_done(std::size_t to) const {
    std::vector<std::string> done;
    for (std::size_t i = 0; i < place(); ++i)
      done.push_back(changes()[i].now.empty() ? changes()[i].before + " (gone)" : changes()[i].now);
    std::vector<std::string> before;
    for (std::size_t i = 0; i < to; ++i)
      before.push_back(definition_.steps[i].name);
    if (done == before) return;
    refuse(fmt::format("it has done [{}], and before {} come [{}] there", fmt::join(done, ", "),
                       definition_.steps[to].name, fmt::join(before, ", ")));
  }

  const Definition& definition_;
  const Instance& instance_;
  const Takeover& takeover_;
};

}  // namespace

void take_over(const Definition& definition, Instance& instance) {
  const Move move(definition, instance);
  const std::int32_t step = move.step();
  instance.data = move.data();
  instance.step = step;
  instance.definition_version = definition.version;
  name_step(definition, instance);
}

}  // namespace sinew::saga
