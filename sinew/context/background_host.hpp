#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "sinew/async/background_workers.hpp"
#include "sinew/context/backend.hpp"
#include "sinew/context/entrance.hpp"
#include "sinew/context/host.hpp"

namespace sinew::context {

// A host inside a process that has its own main loop, or none: it runs on threads of its own, takes
// no signals and shares nothing with a second one but the process' log. All calls may block; they
// come from threads that are no workers, one at a time, but for request_stop() and entrance().
//
//   BackgroundHost host({.folder = "data"}, backend);
//   host.add(std::make_unique<Sales>());
//   host.start();
//   Entrance sales = host.entrance("sales");
//   ...
//   host.stop();
class BackgroundHost {
 public:
  // `backend` outlives it. Errors: those of Host and of WorkerGroup.
  BackgroundHost(HostSettings settings, Backend& backend, async::WorkerGroup::Options workers = {});
  BackgroundHost(const BackgroundHost&) = delete;
  BackgroundHost& operator=(const BackgroundHost&) = delete;
  // Stops it.
  ~BackgroundHost();

  // Before start().
  void add(std::unique_ptr<Context> context);
  // Returns when every context runs; throws what Host::start throws, and nothing runs then. Once:
  // invalid_input afterwards, and on a worker's thread.
  void start();
  // Finishes what is under way, as Host::drain, and joins the threads; throws what went wrong with
  // it. Nothing when it does not run. Error invalid_input on a worker's thread, which would wait
  // for itself. Not from a callback that a Subscriber waits for.
  void stop();
  // From any thread, a worker's or a Subscriber's too: begins to stop and returns at once.
  void request_stop() noexcept;

  // See Host::entrance. From any thread once all contexts were added.
  Entrance entrance(std::string_view context) const { return host_.entrance(context); }
  // For what does not change while it runs: settings(), the endpoints of contexts().
  const Host& host() const noexcept { return host_; }

 private:
  class StopRequest;

  static std::vector<async::Runtime*> runtimes(async::WorkerGroup& group);
  Task<void> serve();

  async::BackgroundWorkers workers_;
  Host host_;
  std::unique_ptr<StopRequest> stop_;
  async::FutureState<void> started_;
};

}  // namespace sinew::context
