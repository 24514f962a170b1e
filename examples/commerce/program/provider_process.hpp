#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "examples/commerce/program/child_process.hpp"
#include "sinew/async/runtime.hpp"
#include "sinew/async/scope.hpp"
#include "sinew/async/task.hpp"
#include "sinew/base/secret.hpp"

namespace commerce::program {

// The sandbox payment provider in a process of its own, started again when it dies, on the same
// port. On the main thread.
class ProviderProcess {
 public:
  ProviderProcess(sinew::async::Runtime& runtime, std::filesystem::path folder);

  // Returns when it answers. Errors: unavailable, with what it said last.
  sinew::Task<void> start();
  // Throws nothing.
  sinew::Task<void> stop();

  const std::string& url() const noexcept { return url_; }
  const sinew::Secret& api_key() const noexcept { return api_key_; }

 private:
  sinew::Task<void> launch();
  sinew::Task<void> keep_alive();

  sinew::async::Runtime& runtime_;
  std::filesystem::path folder_;
  std::string url_;
  std::uint16_t port_ = 0;  // 0: not known yet
  sinew::Secret api_key_;
  std::unique_ptr<ChildProcess> child_;
  std::optional<sinew::async::Scope> watching_;
};

}  // namespace commerce::program
