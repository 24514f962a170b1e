#pragma once

#include <string>
#include <string_view>

#include "sinew/base/error.hpp"

namespace sinew::sqlite {

// What SQLite's extended result codes mean for a batch of transactions.

// The disk is full, memory is short or I/O failed: SQLite may have rolled back everything.
bool breaks_batch(int code) noexcept;
// A sync failed: what the operating system holds of the file can no longer be trusted.
bool loses_trust(int code) noexcept;
// A COMMIT that failed so applied nothing, for certain. All others may have reached the disk.
bool commit_refused(int code) noexcept;

bool is_busy(int code) noexcept;

// A result code and SQLite's text as an Error: constraint -> conflict, a value of the wrong type
// -> invalid_input, full -> exhausted, busy -> unavailable, not a database or malformed -> corrupt,
// read-only -> unauthorized, cannot open -> not_found, a wrong statement -> invalid_input.
Error translate(int code, std::string_view message, const std::string& path,
                Applied applied = Applied::no);

}  // namespace sinew::sqlite
