#pragma once

#include <functional>
#include <string>
#include <thread>

namespace sinew::async {

// A thread that shows up as `name` (15 bytes at most, pthread_setname_np(3)) and takes no signals:
// they go to the thread that main() runs on, or to a SignalWatch. It is
// joined when its handle is destroyed. Errors: exhausted.
std::jthread start_thread(const std::string& name, std::function<void()> body);

}  // namespace sinew::async
