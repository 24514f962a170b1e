#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sinew/base/instant.hpp"
#include "sinew/proxy/observe/access_log_format.hpp"
#include "sinew/proxy/observe/exchange_record.hpp"

namespace sinew::proxy {

struct AccessLogSettings {
  std::string target = "stdout";  // off, stdout, stderr or the path of a file
  std::string format = "json";    // json, or a line as AccessLogFormat::text() has it
  std::vector<std::string> json_variables = {};        // of json; empty: the usual ones
  std::size_t buffer_bytes = std::size_t{512} << 10U;  // a worker; a power of two, from 64 KiB
  Duration flush_interval = std::chrono::seconds(1);   // 10 ms to 1 min

  // Every violation but those of the format, which AccessLogFormat says.
  std::vector<std::string> violations() const;
};

// The access log of a process: a line for every exchange. Workers write lines into buffers of their
// own and never wait; one thread of the log's brings them to the target. A thread, since writing
// blocks: on a full disk's or a stalled mount's account neither requests nor health checks nor the
// admin interface stand still. What the thread does not get away in time is dropped and counted,
// and said in the process's log every ten seconds at most.
//
// A line is in its target at the latest `flush_interval` after its exchange ended, or as the log
// is destroyed. Lines of one worker are in the order of their exchanges' ends.
class AccessLog {
 public:
  // Throws Error invalid_input listing every violation, unavailable when the target cannot be
  // opened.
  AccessLog(const AccessLogSettings& settings, std::size_t workers);
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;
  // Writes what is there. Not before the workers have ended.
  ~AccessLog();

  // One worker's pen.
  class Worker {
   public:
    // On the worker; takes no lock, allocates nothing, makes no system call but one to wake the
    // log's thread when the buffer is half full.
    void write(const ExchangeRecord& record) noexcept;

   private:
    friend AccessLog;
    Worker() = default;

    AccessLog* log_ = nullptr;
    std::size_t index_ = 0;
    AccessLogFormat::Clock clock_;
    AccessLogFormat::Line line_;
  };
  Worker& worker(std::size_t index) noexcept { return *workers_[index]; }

  bool on() const noexcept { return writer_ != nullptr; }

  // The rest is from any thread.

  // Opens the file anew, before the next line is written: a log rotation has renamed it. What has
  // been written into buffers until now may still go to the old one.
  void reopen() noexcept;
  // Waits until what was written before the call is in the target, for at most `patience`. False:
  // it is not.
  bool flush(Duration patience);

  struct Counts {
    std::uint64_t lines = 0;         // taken into a buffer
    std::uint64_t no_room = 0;       // dropped: the buffer was full, the target is too slow
    std::uint64_t write_failed = 0;  // dropped: the target refused them
  };
  Counts counts() const noexcept;

 private:
  class Writer;

  AccessLogFormat format_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<Writer> writer_;
};

}  // namespace sinew::proxy
