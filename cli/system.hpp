#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "sinew/async/reactor.hpp"
#include "sinew/async/task.hpp"
#include "sinew/base/json.hpp"

namespace sinew::cli {

// A system's folder as an operator finds it: contexts served by running hosts are asked through
// their operator API, the others by opening their databases.
class System {
 public:
  // Looks which hosts run and which databases are a context's. Errors: not_found (the folder is no
  // system), and those of context::running_hosts.
  static Task<std::unique_ptr<System>> open(async::Reactor& reactor, std::filesystem::path folder);
  virtual ~System() = default;

  // The contexts there are, by name.
  virtual std::vector<std::string> contexts() const = 0;
  // Whether a host serves the context now; if not, what is asked takes effect at its next start.
  virtual bool running(const std::string& context) const = 0;

  // See context/operations.hpp.
  virtual Task<Json> operate(std::string context, std::string operation, Json arguments) = 0;
  // See context/topic_operations.hpp.
  virtual Task<Json> operate_topics(std::string operation, Json arguments) = 0;
  // Of the broker; see context/queue_operations.hpp.
  virtual Task<Json> operate_queues(std::string operation, Json arguments) = 0;
};

}  // namespace sinew::cli
