#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "sinew/async/runtime.hpp"
#include "sinew/messaging/broker.hpp"
#include "sinew/messaging/queue_operator.hpp"
#include "sinew/store/database.hpp"

namespace sinew::context {

// The engines under a host: which database a context gets and which broker it speaks to. One
// implementation an engine; chosen by configuration in an executable.
class Backend {
 public:
  Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;
  virtual ~Backend() = default;

  // Once, on the host's own worker, before anything else; the reverse at the end.
  virtual Task<void> start(async::Runtime& runtime, std::filesystem::path folder) = 0;
  virtual Task<void> stop() = 0;

  // True when a database that is open here cannot be open anywhere else, so that leases in it which
  // a killed process left are worth nothing.
  virtual bool databases_are_exclusive() const noexcept { return false; }

  // On the worker of the context. `folder` exists and is the context's own; nobody else opens it.
  // Errors: conflict (another process has it open), corrupt, unsupported, unauthorized.
  virtual Task<std::unique_ptr<store::Database>> open_database(async::Runtime& runtime,
                                                               std::filesystem::path folder) = 0;
  virtual Task<std::unique_ptr<messaging::Broker>> connect_broker(async::Runtime& runtime,
                                                                  std::string context) = 0;

  // For operators, on the host's own worker, between start() and stop(); null: the engine has tools
  // of its own.
  virtual messaging::QueueOperator* queues() noexcept { return nullptr; }
};

}  // namespace sinew::context
