#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sinew/async/descriptor.hpp"
#include "sinew/async/runtime.hpp"
#include "sinew/async/task.hpp"

namespace commerce::program {

// Another run of this very program. It dies with this process, however that ends, and takes no
// Ctrl+C of the terminal itself. Started, awaited and destroyed on the main thread.
class ChildProcess {
 public:
  enum class Output { lines, inherited };

  struct Options {
    std::vector<std::string> arguments;
    Output output = Output::inherited;  // of its standard output; lines: read_line() gives them
    std::filesystem::path error_log;    // of its standard error; empty: inherited
  };

  // Errors: exhausted.
  ChildProcess(sinew::async::Runtime& runtime, Options options);
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  // Kills it when it still runs.
  ~ChildProcess();

  // The next line of its output, or nothing at its end. Errors: cancelled, timeout.
  sinew::Task<std::optional<std::string>> read_line();
  // Its exit code; 128 and the signal's number when one ended it. Errors: cancelled, timeout.
  sinew::Task<int> wait();
  // Asks it to end (SIGTERM).
  void terminate() noexcept;

 private:
  sinew::async::Runtime& runtime_;
  pid_t pid_ = -1;
  sinew::async::Descriptor handle_;
  sinew::async::Descriptor output_;
  std::string read_;
  std::optional<int> code_;
};

}  // namespace commerce::program
