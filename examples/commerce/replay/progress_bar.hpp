#pragma once

#include <cstdint>
#include <string>

#include "sinew/base/instant.hpp"

namespace commerce::replay {

// How far a replay has come.
struct Stage {
  std::int64_t orders = 0;     // of the input
  std::int64_t finished = 0;   // confirmed or rejected
  std::int64_t in_flight = 0;  // sagas under way
  std::int64_t shipped = 0;
  sinew::Duration elapsed{};
  std::int64_t finished_before = 0;  // when this run began
  std::string trouble = {};          // why nothing moves, if it is known
};

// Orders a second since this run began.
double rate_of(const Stage& stage);

// One line, without its end, of at most `width` columns:
//   [#########.........] 412/830  402/s  2 s left  28 sagas in flight  380 shipped
// and what is in the way.
std::string progress_line(const Stage& stage, std::size_t width);

// Shows the stage on standard error: in place on a terminal, else as a line now and then.
class ProgressBar {
 public:
  explicit ProgressBar(bool enabled);
  void show(const Stage& stage);
  // Ends the line, so that what follows stands below it.
  void close();

 private:
  bool enabled_;
  bool terminal_;
  bool open_ = false;
  sinew::Duration shown_at_{};
};

}  // namespace commerce::replay
