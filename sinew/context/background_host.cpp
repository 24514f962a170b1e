#include "sinew/context/background_host.hpp"

#include <atomic>
#include <exception>
#include <utility>

#include "sinew/async/channel.hpp"
#include "sinew/async/worker_thread.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/log.hpp"

namespace sinew::context {

// Reaches the first worker as a completion of its own: nothing is cancelled, so a drain can wait.
class BackgroundHost::StopRequest final : private async::Completion {
 public:
  explicit StopRequest(async::Runtime& runtime) noexcept : runtime_(runtime) {}
  void make() noexcept {
    if (!made_.exchange(true)) runtime_.complete(*this);
  }
  Task<void> arrival() { return arrived_.wait(); }

 private:
  void run() noexcept override { arrived_.set(); }

  async::Runtime& runtime_;
  std::atomic<bool> made_ = false;
  async::Event arrived_;
};

BackgroundHost::BackgroundHost(HostSettings settings, Backend& backend,
                               async::WorkerGroup::Options workers)
    : workers_(std::move(workers)),
      host_(std::move(settings), backend, runtimes(workers_.group())),
      stop_(std::make_unique<StopRequest>(workers_.group().reactor(0))) {}

BackgroundHost::~BackgroundHost() {
  try {
    stop();
  } catch (const std::exception& error) {
    log::error("a host did not stop in order", {{"error", error.what()}});
  }
}

std::vector<async::Runtime*> BackgroundHost::runtimes(async::WorkerGroup& group) {
  std::vector<async::Runtime*> runtimes;
  for (std::size_t i = 0; i < group.size(); ++i)
    runtimes.push_back(&group.reactor(i));
  return runtimes;
}

void BackgroundHost::add(std::unique_ptr<Context> context) { host_.add(std::move(context)); }

void BackgroundHost::start() {
  if (async::on_worker()) {
    throw Error(Condition::invalid_input,
                "a worker cannot wait for the start of a host; start it on a thread of your own");
  }
  workers_.start([this](async::Reactor&, std::size_t index) -> Task<void> {
    if (index == 0) co_await serve();
  });
  started_.progress.wait(Duration::max());
  started_.outcome.take();
}

Task<void> BackgroundHost::serve() {
  bool runs = false;
  try {
    co_await host_.start();
    runs = true;
  } catch (...) {
    started_.outcome.fail(std::current_exception());
  }
  started_.progress.settle();
  if (!runs) co_return;
  co_await stop_->arrival();
  co_await host_.drain();
}

void BackgroundHost::request_stop() noexcept { stop_->make(); }

void BackgroundHost::stop() {
  request_stop();
  workers_.join();
}

}  // namespace sinew::context
