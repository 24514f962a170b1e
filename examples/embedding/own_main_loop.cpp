// A program with a loop of its own, around poll(2), hosts two systems at once: one on threads of
// its own that posts into the loop, one that the loop itself pumps, without any thread. The loop
// ticks by its own timer all the while.
#include <poll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "adapters/sqlite/backend.hpp"
#include "examples/embedding/meter.hpp"
#include "sinew/async/descriptor.hpp"
#include "sinew/async/foreign_loop.hpp"
#include "sinew/async/offload_pool.hpp"
#include "sinew/async/reactor.hpp"
#include "sinew/async/scope.hpp"
#include "sinew/context/background_host.hpp"
#include "sinew/context/subscriber.hpp"

namespace {

using namespace embedding;
using sinew::Uuid;
using sinew::async::Outcome;
using sinew::context::BackgroundHost;
using sinew::context::Entrance;
using sinew::context::Host;
using sinew::context::Subscriber;

constexpr int readings = 50;

// Readable every millisecond: what the program would do without Sinew.
class Ticks {
 public:
  Ticks() : timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)) {
    const itimerspec every{.it_interval = {0, 1'000'000}, .it_value = {0, 1'000'000}};
    expect(timer_ && ::timerfd_settime(timer_.get(), 0, &every, nullptr) == 0, "a timer is there");
  }
  int descriptor() const noexcept { return timer_.get(); }
  bool take() {
    std::uint64_t ticks = 0;
    return ::read(timer_.get(), &ticks, sizeof ticks) == sizeof ticks;
  }

 private:
  sinew::async::Descriptor timer_;
};

// What the program knows of one system; touched by its loop only.
struct Seen {
  int sent = 0;
  int confirmed = 0;
  int displayed = 0;
  bool complete() const { return confirmed == readings && displayed == readings; }
};

// At each tick: one reading more, whose outcome comes back into the loop.
void send_next(const Entrance& meter, Seen& seen, auto into_the_loop) {
  if (seen.sent == readings) return;
  meter.publish(ReadingTaken{"m-1", ++seen.sent}, "m-1", into_the_loop([&seen](Outcome<Uuid> id) {
                  expect(!id.take().is_nil(), "it was published");
                  ++seen.confirmed;
                }));
}

auto displaying(Seen& seen) {
  return [&seen](const ReadingTaken&, const sinew::event::Envelope&) { ++seen.displayed; };
}

// The system beside the loop: its workers have threads, the loop has a descriptor.
struct Beside {
  explicit Beside(const std::filesystem::path& folder) : host({.folder = folder}, backend) {
    host.add(std::make_unique<Meter>());
    host.add(std::make_unique<Subscriber<ReadingTaken>>("display", loop, displaying(seen)));
    host.start();
  }
  void tick() {
    send_next(host.entrance("meter"), seen,
              [this](auto done) { return loop.answered(std::move(done)); });
  }
  Seen seen;
  sinew::async::ForeignLoop loop;
  sinew::sqlite::Backend backend;
  BackgroundHost host;
};

// A display within the pumped system: its handler runs in the loop anyway.
class Display final : public sinew::context::Context {
 public:
  explicit Display(Seen& seen) : seen_(seen) {}
  std::string_view name() const noexcept override { return "display"; }
  void describe(sinew::context::ContextSpec& spec) override { spec.handles(&Display::show); }

 private:
  sinew::Task<void> show(sinew::messaging::Handling& handling, ReadingTaken) {
    co_await handling.commit([](sinew::store::Transaction&) -> sinew::Task<void> { co_return; });
    ++seen_.displayed;
  }
  Seen& seen_;
};

// The system inside the loop: the loop takes its turns.
struct Inside {
  explicit Inside(const std::filesystem::path& folder)
      : host({.folder = folder}, backend, {&reactor}) {
    host.add(std::make_unique<Meter>());
    host.add(std::make_unique<Display>(seen));
    reactor.run(host.start());
  }
  ~Inside() { reactor.run(host.drain()); }
  void tick() {
    send_next(host.entrance("meter"), seen, [](auto done) { return done; });
  }
  Seen seen;
  sinew::async::OffloadPools pools;
  sinew::async::Reactor reactor{pools};
  sinew::sqlite::Backend backend;
  Host host;
};

void loop(const std::filesystem::path& folder) {
  Ticks ticks;
  Beside beside(folder / "beside");
  Inside inside(folder / "inside");

  while (!beside.seen.complete() || !inside.seen.complete()) {
    std::array<pollfd, 3> watched{{{ticks.descriptor(), POLLIN, 0},
                                   {beside.loop.descriptor(), POLLIN, 0},
                                   {inside.reactor.descriptor(), POLLIN, 0}}};
    expect(::poll(watched.data(), watched.size(), inside.reactor.poll_timeout_ms()) >= 0,
           "the loop can wait");
    if (watched[0].revents != 0 && ticks.take()) {
      beside.tick();
      inside.tick();
    }
    if (watched[1].revents != 0) beside.loop.run_posted();
    inside.reactor.pump();
  }
  expect(beside.seen.sent == readings && inside.seen.sent == readings, "as many as were sent");
  std::printf("two systems and a timer in one loop: %d readings each\n", readings);
}

}  // namespace

int main(int count, char** arguments) { return run_in_folder(count, arguments, loop); }
