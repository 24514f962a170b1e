#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/async/runtime.hpp"
#include "sinew/async/stream.hpp"
#include "sinew/async/task.hpp"
#include "sinew/base/instant.hpp"
#include "sinew/base/metrics.hpp"
#include "sinew/base/time.hpp"
#include "sinew/proxy/observe/access_log.hpp"
#include "sinew/proxy/observe/proxy_metrics.hpp"
#include "sinew/proxy/observe/state_metrics.hpp"

namespace sinew::proxy {

// Whether new requests are welcome, and every reason why not.
struct Readiness {
  std::vector<std::string> reasons = {};  // sentences; none: ready
  bool ready() const noexcept { return reasons.empty(); }
};

// What became of a reload that was asked for.
struct ReloadResult {
  enum class Outcome : std::uint8_t { replaced, unchanged, refused };
  Outcome outcome = Outcome::replaced;
  std::uint64_t version = 0;  // of the snapshot in use now
  Duration took = {};
  std::vector<std::string> errors = {};  // of refused, with file and line; the first ones
  std::size_t error_count = 0;           // all of them
  std::vector<std::string> warnings = {};
};
std::string_view to_string(ReloadResult::Outcome outcome) noexcept;

// The reload that ended last, whatever asked for it; the start is one.
struct LastReload {
  ReloadResult result = {};
  std::string cause = {};  // start, signal, files, call
  Timestamp at = {};
};

// What the admin interface asks of the program that it is in. All of it is called on the
// controller's reactor; what is empty or null is answered 501 or left out.
struct AdminParts {
  std::function<Task<ProxyState>()> state = {};  // never empty
  std::function<Readiness()> readiness = {};     // never empty
  std::function<Task<ReloadResult>()> reload = {};
  std::function<LastReload()> last_reload = {};
  std::function<void()> drain = {};             // begins to
  ProxyMetrics* metrics = nullptr;              // its exchanges
  const metrics::Registry* registry = nullptr;  // what else the process counts
  AccessLog* access_log = nullptr;
};

struct AdminSettings {
  std::vector<async::Endpoint> addresses = {{.address = "127.0.0.1", .port = 8001}};
  // Who reaches it can drain the proxy and turn its endpoints, and is asked for nothing: addresses
  // that others than this machine reach have to be allowed on purpose.
  bool allow_remote = false;
};

// What operators and their tools ask a running proxy: whether it lives and is ready, its metrics,
// what it runs on, and to drain, reload, turn endpoints and change what it logs. JSON, and problem
// documents (RFC 9457) for errors; see docs/reference/proxy-observability.md.
//
// Requests with an Origin (a page in somebody's browser) or, on loopback, with a Host that is a
// name other than localhost (a name that was made to point here) are refused.
//
// On the controller's reactor, so that no request of a client waits for it.
class Admin {
 public:
  // Throws Error invalid_input naming each address that is not loopback, unless that is allowed,
  // and parts that must be there.
  Admin(async::Runtime& runtime, AdminSettings settings, AdminParts parts);
  Admin(const Admin&) = delete;
  Admin& operator=(const Admin&) = delete;
  // After drain().
  ~Admin();

  // Listens on all addresses. Errors: those of Runtime::listen; it is destroyed then.
  void start();
  // Where it listens, with the ports that were chosen.
  std::vector<async::Endpoint> local() const;
  // Lets requests that have begun end, within `patience`.
  Task<void> drain(Duration patience);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sinew::proxy
