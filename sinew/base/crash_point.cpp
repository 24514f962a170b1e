#include "sinew/base/crash_point.hpp"

#include <atomic>

namespace sinew {
namespace {
std::atomic<CrashHook> installed_hook{nullptr};
}

void set_crash_hook(CrashHook hook) noexcept {
  installed_hook.store(hook, std::memory_order_release);
}

void crash_point(const char* name) {
  if (const CrashHook hook = installed_hook.load(std::memory_order_acquire)) hook(name);
}

}  // namespace sinew
