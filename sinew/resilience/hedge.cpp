#include "sinew/resilience/hedge.hpp"

#include "sinew/base/config.hpp"
#include "sinew/resilience/timeout.hpp"

namespace sinew::resilience {

using namespace std::chrono_literals;

void HedgeSettings::describe(config::Section<HedgeSettings>& section) {
  section.option("delay", &HedgeSettings::delay, "without an answer before the second call")
      .range(1ms, 1h);
}

Hedge::Hedge(const HedgeSettings& settings, Repeatable repeatable, Instant started) noexcept
    : second_at_(repeatable == Repeatable::yes ? deadline_in(settings.delay, started)
                                               : Instant::max()) {}

bool Hedge::try_second(RetryBudget& budget, Instant now) noexcept {
  second_at_ = Instant::max();
  if (!budget.try_retry(now)) return false;
  ++running_;
  return true;
}

bool Hedge::ended(bool good) noexcept {
  --running_;
  return good || running_ == 0;
}

}  // namespace sinew::resilience
