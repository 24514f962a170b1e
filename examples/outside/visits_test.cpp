// visits_test FOLDER: three visits of one visitor are three counts, also after a restart.
#include "visits.hpp"

#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

#include "adapters/sqlite/backend.hpp"
#include "sinew/async/wait.hpp"
#include "sinew/async/worker.hpp"
#include "sinew/context/host.hpp"
#include "sinew/http/client.hpp"
#include "sinew/net/resolver.hpp"

namespace {

using namespace std::chrono_literals;
using sinew::Task;

class System {
 public:
  System(sinew::async::Reactor& reactor, std::filesystem::path folder)
      : host_({.folder = std::move(folder)}, backend_, {&reactor}), http_(reactor, names_) {
    host_.add(std::make_unique<visits::Door>());
    host_.add(std::make_unique<visits::Tally>());
  }
  Task<void> start() { return host_.start(); }
  Task<void> stop() { return host_.drain(); }

  Task<void> visit(std::string visitor) {
    const auto answer = co_await http_.send(
        {.method = sinew::http::Method::post, .url = url(0) + "/visitors/" + visitor});
    if (!answer.success()) throw sinew::http::to_error(answer);
  }
  Task<std::int64_t> count(std::string visitor) {
    const auto answer = co_await http_.send({.url = url(1) + "/counts/" + visitor});
    if (answer.status == 404) co_return 0;
    co_return sinew::http::Client::read_answer<visits::Count>(answer).visits;
  }
  // Waits until the visitor was counted so often, at most ten seconds.
  Task<void> expect(std::string visitor, std::int64_t visits) {
    for (int look = 0; look < 1000; ++look) {
      const std::int64_t counted = co_await count(visitor);
      if (counted == visits) co_return;
      if (counted > visits) break;
      co_await sinew::async::sleep_for(10ms);
    }
    throw std::runtime_error("the tally does not say " + std::to_string(visits));
  }

 private:
  std::string url(std::size_t context) {
    return "http://" + to_string(host_.contexts().at(context)->endpoint());
  }

  sinew::sqlite::Backend backend_;
  sinew::context::Host host_;
  sinew::net::FixedResolver names_;
  sinew::http::Client http_;
};

Task<void> test(sinew::async::Reactor& reactor, std::filesystem::path folder) {
  {
    System system(reactor, folder);
    co_await system.start();
    co_await system.visit("ann");
    co_await system.visit("ann");
    co_await system.expect("ann", 2);
    co_await system.stop();
  }
  System again(reactor, folder);
  co_await again.start();
  co_await again.visit("ann");
  co_await again.expect("ann", 3);
  co_await again.stop();
}

}  // namespace

int main(int, char** arguments) {
  const std::filesystem::path folder = arguments[1];
  std::filesystem::remove_all(folder);
  try {
    sinew::async::WorkerGroup workers({.workers = 1});
    workers.run([&](sinew::async::Reactor& reactor, std::size_t) { return test(reactor, folder); });
  } catch (const std::exception& error) {
    std::fprintf(stderr, "visits_test: %s\n", error.what());
    return 1;
  }
  std::puts("visits_test: passed");
  return 0;
}
