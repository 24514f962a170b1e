#pragma once

namespace sinew {

// A named moment in a durable step at which the crash tests end the process. Costs one relaxed load
// when no hook is set. tools/check-crash-points counts the names.
using CrashHook = void (*)(const char* name);

void set_crash_hook(CrashHook hook) noexcept;  // nullptr: none
void crash_point(const char* name);

}  // namespace sinew

#define SINEW_CRASH_POINT(name) ::sinew::crash_point(name)
