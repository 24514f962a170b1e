#include "sinew/async/watch_table.hpp"

#include <cerrno>

#include "sinew/async/socket_error.hpp"

namespace sinew::async {

class WatchTable::Watch final : public PollTarget {
 public:
  Watch(Poller& poller, int descriptor) noexcept : poller_(poller), descriptor_(descriptor) {}

  void add(Interest interest, Wait& wait) {
    (interest == Interest::readable ? readers_ : writers_).push_back(wait);
    const auto error = subscribe();
    if (!error) return;
    if (error == std::errc::operation_not_permitted) return wait.complete();  // a regular file
    static_cast<ListHook<WaitQueueTag>&>(wait).unlink();
    throw socket_error("cannot watch a descriptor", error.value());
  }

 private:
  using Waits = IntrusiveList<Wait, WaitQueueTag>;

  std::error_code subscribe() noexcept {
    const Subscription what{
        .readable = !readers_.empty(), .writable = !writers_.empty(), .trigger = Trigger::once};
    const auto error = poller_.modify(descriptor_, what, *this);
    if (error != std::errc::no_such_file_or_directory) return error;
    return poller_.add(descriptor_, what, *this);
  }

  void on_ready(PollEvents events) noexcept override {
    if (events.readable || events.peer_finished || events.failed) complete_all(readers_);
    if (events.writable || events.failed) complete_all(writers_);
    if (readers_.empty() && writers_.empty()) return;
    if (subscribe()) {  // it is gone: whoever tries it will see
      complete_all(readers_);
      complete_all(writers_);
    }
  }

  static void complete_all(Waits& waits) noexcept {
    while (!waits.empty())
      waits.front().complete();
  }

  Poller& poller_;
  int descriptor_;
  Waits readers_;
  Waits writers_;
};

WatchTable::WatchTable(Poller& poller) noexcept : poller_(poller) {}

WatchTable::~WatchTable() {
  for (const auto& [descriptor, watch] : watches_)
    poller_.remove(descriptor);
}

void WatchTable::watch(int descriptor, Interest interest, Wait& wait) {
  auto& watch = watches_[descriptor];
  if (!watch) watch = std::make_unique<Watch>(poller_, descriptor);
  watch->add(interest, wait);
}

void WatchTable::unwatch(int descriptor) noexcept {
  if (watches_.erase(descriptor) != 0) poller_.remove(descriptor);
}

}  // namespace sinew::async
