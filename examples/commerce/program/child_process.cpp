#include "examples/commerce/program/child_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "sinew/async/watch.hpp"
#include "sinew/base/error.hpp"

namespace commerce::program {
namespace {

using sinew::Condition;
using sinew::Error;
using sinew::Task;
using sinew::async::Descriptor;

constexpr const char* own_program = "/proc/self/exe";
constexpr int cannot_start = 127;
constexpr std::size_t max_line = 4096;

[[noreturn]] void fail(const char* what) {
  throw Error(Condition::exhausted, fmt::format("cannot start a process: {}: {}", what,
                                                std::generic_category().message(errno)));
}

struct Plan {
  std::vector<char*> arguments;  // ends with a null pointer
  int output = -1;               // becomes standard output, unless -1
  int error = -1;                // becomes standard error, unless -1
  pid_t parent = 0;
};

// Between fork and exec only what is async-signal-safe.
[[noreturn]] void become(const Plan& plan) noexcept {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != plan.parent) ::_exit(cannot_start);  // it died before the line above
  ::setpgid(0, 0);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (plan.output >= 0) ::dup2(plan.output, STDOUT_FILENO);
  if (plan.error >= 0) ::dup2(plan.error, STDERR_FILENO);
  ::execv(own_program, plan.arguments.data());
  ::_exit(cannot_start);
}

std::pair<Descriptor, Descriptor> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail("pipe");
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

}  // namespace

ChildProcess::ChildProcess(sinew::async::Runtime& runtime, Options options) : runtime_(runtime) {
  options.arguments.insert(options.arguments.begin(), "commerce");
  Plan plan;
  for (auto& argument : options.arguments)
    plan.arguments.push_back(argument.data());
  plan.arguments.push_back(nullptr);
  plan.parent = ::getpid();
  Descriptor output;
  if (options.output == Output::lines) std::tie(output_, output) = make_pipe();
  Descriptor log;
  if (!options.error_log.empty()) {
    log = Descriptor(
        ::open(options.error_log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    if (!log) fail(options.error_log.c_str());
  }
  plan.output = output.get();
  plan.error = log.get();
  pid_ = ::fork();
  if (pid_ < 0) fail("fork");
  if (pid_ == 0) become(plan);
  handle_ = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  if (!handle_) fail("pidfd_open");
  ::fcntl(handle_.get(), F_SETFD, FD_CLOEXEC);
}

ChildProcess::~ChildProcess() {
  if (handle_) runtime_.unwatch(handle_.get());
  if (output_) runtime_.unwatch(output_.get());
  if (pid_ < 0 || code_) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

Task<std::optional<std::string>> ChildProcess::read_line() {
  for (;;) {
    if (const auto end = read_.find('\n'); end != std::string::npos) {
      std::string line = read_.substr(0, end);
      read_.erase(0, end + 1);
      co_return line;
    }
    std::array<char, max_line> buffer{};
    const ssize_t size = ::read(output_.get(), buffer.data(), buffer.size());
    if (size > 0 && read_.size() < max_line) {
      read_.append(buffer.data(), static_cast<std::size_t>(size));
    } else if (size < 0 && errno == EAGAIN) {
      co_await sinew::async::ready(output_.get(), sinew::async::Interest::readable);
    } else if (size >= 0 || errno != EINTR) {
      co_return std::nullopt;
    }
  }
}

Task<int> ChildProcess::wait() {
  if (code_) co_return *code_;
  co_await sinew::async::ready(handle_.get(), sinew::async::Interest::readable);
  int status = 0;
  ::waitpid(pid_, &status, 0);
  code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  co_return *code_;
}

void ChildProcess::terminate() noexcept {
  if (pid_ > 0 && !code_) ::kill(pid_, SIGTERM);
}

}  // namespace commerce::program
