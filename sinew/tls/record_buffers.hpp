#pragma once

#include <cstddef>
#include <cstdint>

namespace sinew::tls {

// OpenSSL's buffers for records, 16 KiB and a little: a connection has them only while a record is
// incomplete, so they come and go with every burst of data. With the pool each thread recycles
// them. What OpenSSL itself takes beside, a few dozen bytes for each record, stays with malloc.
struct RecordBuffers {
  static constexpr std::size_t bytes = 17 * 1024;  // covers those for reading and for writing
  static constexpr std::size_t kept_per_thread = 32;

  std::uint64_t reused = 0;  // buffers taken from the pool
  std::uint64_t heap = 0;    // buffers for which there was none in the pool
  std::size_t kept = 0;      // buffers in the pool
};

// Gives OpenSSL the pool, for the whole process: first thing in main(), before anything of OpenSSL
// is used. False when it was used already, or under the address sanitizer, which would not see a
// stale buffer: then all works as before, from the heap.
bool pool_record_buffers() noexcept;

// Of this thread, since it began; zeros without the pool.
RecordBuffers record_buffers() noexcept;

}  // namespace sinew::tls
