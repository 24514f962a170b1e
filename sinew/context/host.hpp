#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/async/runtime.hpp"
#include "sinew/async/stream.hpp"
#include "sinew/context/backend.hpp"
#include "sinew/context/context.hpp"
#include "sinew/context/entrance.hpp"
#include "sinew/context/host_file.hpp"
#include "sinew/context/runner.hpp"
#include "sinew/context/settings.hpp"

namespace sinew::context {

struct HostSettings {
  std::string name = "main";          // [a-z0-9-]{1,40}; names its file under hosts/
  std::filesystem::path folder;       // of the system; contexts and the broker live below it
  std::string address = "127.0.0.1";  // of the contexts; the operator API stays on 127.0.0.1
  std::uint16_t first_port = 0;       // of the first context, the next ones follow; 0: free ports
  std::uint16_t operator_port = 0;    // 0: a free one
  Duration drain = std::chrono::seconds(10);
  ContextSettings contexts = {};
};

// Many contexts in one process, each on one worker with a folder and a database of its own. The
// host's own work (operator API, backend) runs on the first worker. Contexts meet only through
// loopback HTTP and the broker, as they would in separate processes.
class Host {
 public:
  // `workers`: at least one; contexts are spread over them in turn. Throws Error invalid_input with
  // everything that is out of range in the settings of the contexts.
  Host(HostSettings settings, Backend& backend, std::vector<async::Runtime*> workers);
  ~Host();

  // Before start().
  void add(std::unique_ptr<Context> context);

  // Starts the backend, the contexts in the order they were added, the operator API; then writes
  // hosts/<name>.json. Undone as a whole when one cannot start. On the first worker.
  Task<void> start();
  // Stops accepting, finishes what is under way, closes everything; the file disappears.
  Task<void> drain();

  const HostSettings& settings() const noexcept { return settings_; }
  std::vector<ContextRunner*> contexts() const;
  // The way into a context for threads that are no workers; after it was added. Error not_found.
  Entrance entrance(std::string_view context) const;
  async::Endpoint operator_endpoint() const;
  metrics::Registry& metrics() noexcept { return metrics_; }
  // The host's own port to the broker, on the first worker; while it runs.
  messaging::Broker& broker() noexcept { return *broker_; }
  Backend& backend() noexcept { return backend_; }
  // The bearer token of the operator API, also in <folder>/operator.token (mode 0600).
  const std::string& operator_token() const noexcept { return token_; }

 private:
  Task<void> start_contexts();
  Task<void> stop_contexts();
  void start_operator_api();
  void load_token();
  RunningHost description() const;

  HostSettings settings_;
  Backend& backend_;
  std::vector<async::Runtime*> workers_;
  metrics::Registry metrics_;
  std::vector<std::unique_ptr<ContextRunner>> runners_;
  std::size_t started_ = 0;
  std::string token_;
  std::unique_ptr<messaging::Broker> broker_;
  std::unique_ptr<http::Server> operator_api_;
  std::unique_ptr<HostFile> host_file_;
};

}  // namespace sinew::context
