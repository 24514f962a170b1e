#include "examples/commerce/replay/progress_bar.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>

namespace commerce::replay {
namespace {

constexpr std::size_t bar_width = 24;
constexpr std::size_t default_columns = 100;
// Where there is no terminal:
constexpr std::size_t max_line = 400;
constexpr auto line_every = std::chrono::seconds(1);

std::string bar_of(const Stage& stage) {
  const auto orders = std::max<std::int64_t>(stage.orders, 1);
  const auto part = static_cast<std::size_t>(std::clamp<std::int64_t>(
      static_cast<std::int64_t>(bar_width) * stage.finished / orders, 0, bar_width));
  return std::string(part, '#') + std::string(bar_width - part, '.');
}

std::string time_left(const Stage& stage) {
  const double rate = rate_of(stage);
  const auto left = stage.orders - stage.finished;
  if (left <= 0) return "";
  if (rate <= 0) return "  waiting";
  return fmt::format("  {:.0f} s left", std::ceil(static_cast<double>(left) / rate));
}

std::size_t columns() {
  winsize size{};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : default_columns;
}

}  // namespace

double rate_of(const Stage& stage) {
  const double seconds = std::chrono::duration<double>(stage.elapsed).count();
  if (seconds <= 0) return 0;
  return static_cast<double>(stage.finished - stage.finished_before) / seconds;
}

std::string progress_line(const Stage& stage, std::size_t width) {
  std::string line = fmt::format("[{}] {}/{}  {:.0f}/s{}  {} sagas in flight  {} shipped",
                                 bar_of(stage), stage.finished, stage.orders, rate_of(stage),
                                 time_left(stage), stage.in_flight, stage.shipped);
  if (!stage.trouble.empty()) line += "  " + stage.trouble;
  if (line.size() > width) line.resize(width);
  return line;
}

ProgressBar::ProgressBar(bool enabled)
    : enabled_(enabled), terminal_(::isatty(STDERR_FILENO) == 1) {}

void ProgressBar::show(const Stage& stage) {
  if (!enabled_) return;
  if (terminal_) {
    fmt::print(stderr, "\r{}\x1b[K", progress_line(stage, columns() - 1));
    std::fflush(stderr);
    open_ = true;
  } else if (stage.elapsed - shown_at_ >= line_every || shown_at_ == sinew::Duration::zero()) {
    fmt::print(stderr, "{}\n", progress_line(stage, max_line));
    shown_at_ = std::max<sinew::Duration>(stage.elapsed, std::chrono::nanoseconds(1));
  }
}

void ProgressBar::close() {
  if (open_) fmt::print(stderr, "\n");
  open_ = false;
}

}  // namespace commerce::replay
