#pragma once

#include "sinew/base/config_environment.hpp"

namespace sinew {

// For crash tests; without these variables nothing is set and a crash point costs one load.
//
// SINEW_CRASH_AT=<point>:<n>: at the n-th arrival (from 1) at that crash point the process ends
// itself by SIGKILL, as a power cut would, with nothing flushed or unwound.
// SINEW_CRASH_COUNT=<file>: how often each point was reached, kept up to date in the file also when
// the process is killed: slots of 64 bytes, a name (56 bytes, zeros after it) and a count (uint64
// of the machine), in order of their first arrival. The file is made anew.
//
// Once, at the start of main, before threads. Errors: invalid_input (a value of another form),
// unavailable (the file cannot be made).
void install_crash_hook(const Environment& environment);

}  // namespace sinew
