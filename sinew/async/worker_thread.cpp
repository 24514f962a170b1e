#include "sinew/async/worker_thread.hpp"

#include <utility>

namespace sinew::async {
namespace {
thread_local bool in_turn = false;
}

bool on_worker() noexcept { return in_turn; }

WorkerTurn::WorkerTurn() noexcept : before_(std::exchange(in_turn, true)) {}
WorkerTurn::~WorkerTurn() { in_turn = before_; }

}  // namespace sinew::async
