#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <string>

#include "examples/commerce/program/commands.hpp"
#include "examples/commerce/program/layout.hpp"
#include "examples/commerce/program/work.hpp"
#include "examples/commerce/replay/input.hpp"
#include "examples/commerce/replay/replay.hpp"
#include "sinew/base/error.hpp"

namespace commerce::program {
namespace {

using sinew::Condition;
using sinew::Error;
using sinew::Task;

constexpr std::size_t max_refusals_shown = 20;

sinew::Secret resolve(const std::string& reference) {
  auto secret = sinew::resolve_secret(reference, sinew::process_environment);
  if (!secret) throw Error(Condition::invalid_input, "the carrier's secret: " + secret.error());
  return std::move(*secret);
}

void show_refusals(const std::vector<commerce::reporting::Refusal>& refused) {
  std::size_t shown = 0;
  for (const auto& refusal : refused) {
    if (++shown > max_refusals_shown) break;
    fmt::print(stderr, "refused: {}: {}{}\n", refusal.place, refusal.reason,
               refusal.order_id.empty() ? "" : fmt::format(" (order {})", refusal.order_id));
  }
  if (refused.size() > max_refusals_shown) {
    fmt::print(stderr, "refused: {} more; `commerce verify` lists all\n",
               refused.size() - max_refusals_shown);
  }
}

std::string orders_text(const replay::Result& result) {
  const auto& stage = result.stage;
  if (result.known == stage.orders) {
    return fmt::format("{} orders, all of them there before", stage.orders);
  }
  const double seconds = std::chrono::duration<double>(stage.elapsed).count();
  std::string text = fmt::format("{} orders in {:.2f} s ({:.0f}/s)", stage.orders, seconds,
                                 replay::rate_of(stage));
  if (result.known > 0) text += fmt::format(", {} of them there before", result.known);
  return text;
}

void show_result(const replay::Result& result, Format format) {
  if (format == Format::json) {
    fmt::print("{}\n", sinew::to_text(replay::to_json(result)));
    return;
  }
  fmt::print("{}, {} lines refused; the system has {} confirmed, {} rejected, {} shipped\n",
             orders_text(result), result.refused, result.confirmed, result.rejected,
             result.stage.shipped);
}

}  // namespace

int replay_input(const ReplayOptions& options) {
  const replay::Input input = replay::read_input(options.input);
  show_refusals(input.refused);
  replay::Target target =
      options.target.empty() ? target_of(options.folder) : replay::read_target(options.target);
  sinew::Secret secret = resolve(target.carrier_secret);
  replay::ProgressBar bar(!options.quiet);
  sinew::async::WorkerGroup workers({.workers = 1});
  const auto result = work<replay::Result>(workers, [&](sinew::async::Reactor& reactor) {
    return replay::replay(reactor, input, target, secret, bar);
  });
  show_refusals(result.refused_by_sales);
  show_result(result, options.format);
  return exit_done;
}

}  // namespace commerce::program
