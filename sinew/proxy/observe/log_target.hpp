#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include "sinew/async/descriptor.hpp"
#include "sinew/base/instant.hpp"

namespace sinew::proxy {

// Where the lines of the access log go: a file, standard output or standard error. It may block,
// for as long as the disk or the reader of a pipe takes: it belongs to the log's own thread.
class LogTarget {
 public:
  // "stdout", "stderr" or a path. Throws Error unavailable when the file cannot be opened for
  // appending (it is made with mode 0640, its folder must be there). A pipe whose reader takes
  // nothing for `patience` is an error of write(), so that nobody waits for ever for the log's end.
  LogTarget(std::string name, Duration patience);

  // Writes whole lines, with as few calls as whole lines allow: at once to a file, whose O_APPEND
  // keeps lines of several processes apart, in pieces of at most PIPE_BUF bytes to anything else,
  // where that does. A file's line that could not be written to its end (a full disk) is ended
  // before the next one.
  struct Outcome {
    std::error_code error;
    std::string_view rest;  // of the lines, was not written
  };
  Outcome write(std::string_view lines) noexcept;

  // Opens the path anew, for whoever has renamed the file; lines from now on go to the new one.
  // Error: the file that was open stays. Nothing for a standard stream.
  std::error_code reopen() noexcept;

  const std::string& name() const noexcept { return name_; }

 private:
  // Takes what it has written off the front of `bytes`.
  std::error_code put(std::string_view& bytes) noexcept;
  bool is_stream() const noexcept;

  std::string name_;
  Duration patience_;
  async::Descriptor file_;
  bool torn_ = false;  // the last byte of the file is of a line without end
};

}  // namespace sinew::proxy
