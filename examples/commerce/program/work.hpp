#pragma once

#include <functional>

#include "sinew/async/offload.hpp"
#include "sinew/async/reactor.hpp"
#include "sinew/async/task.hpp"
#include "sinew/async/worker.hpp"

namespace commerce::program {

// Runs `main` on the first worker while the others serve; gives its result or throws what it
// throws, unchanged.
template <class Result>
Result work(sinew::async::WorkerGroup& workers,
            const std::function<sinew::Task<Result>(sinew::async::Reactor&)>& main) {
  sinew::async::Outcome<Result> outcome;
  workers.run([&](sinew::async::Reactor& reactor, std::size_t index) -> sinew::Task<void> {
    if (index == 0) co_await sinew::async::capture(main(reactor), outcome);
  });
  return outcome.take();
}

}  // namespace commerce::program
