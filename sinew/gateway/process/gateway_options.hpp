#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "sinew/base/instant.hpp"
#include "sinew/base/log_sink.hpp"
#include "sinew/gateway/process/candidate.hpp"
#include "sinew/proxy/observe/access_log.hpp"

namespace sinew::gateway {

// What the command line of `sinew-proxy` says.
struct GatewayOptions {
  Sources sources = {};
  std::string user = {};                       // NAME or NAME:GROUP; empty: kong.conf's nginx_user
  std::filesystem::path run_folder = {};       // empty: see run_folder_of()
  std::optional<std::string> access_log = {};  // off, stdout, stderr or a path; none: kong.conf's
  std::string access_log_format = "json";
  log::Format log_format = log::Format::text;
  std::string notify_socket = {};  // of the service manager; empty: there is none
  bool watch_files = true;
  bool allow_remote_admin = false;                    // which asks nobody who he is
  Duration drain_announce = Duration::zero();         // goes on to accept, though not ready
  Duration drain_timeout = std::chrono::seconds(30);  // then what is not done is cut
};

// Where the locks are: as given, or systemd's RuntimeDirectory, or the user's own folder for such
// things, or one in /tmp with the number of `user_id` in its name.
std::filesystem::path run_folder_of(const GatewayOptions& options, unsigned user_id);

// Whose rights are taken: as given, or kong.conf's nginx_user; empty: whoever starts it.
std::string user_of(const GatewayOptions& options, const std::optional<ProcessSettings>& process);

// Where the access log goes, and the process's own (stdout, stderr or a path). kong.conf's defaults
// are in a prefix that Kong's packages make: without a kong.conf that says so they are the standard
// streams.
proxy::AccessLogSettings access_log_of(const GatewayOptions& options,
                                       const ProcessSettings& process);
std::string error_log_of(const GatewayOptions& options, const ProcessSettings& process);

log::Level level_of(ProcessLogLevel level) noexcept;

// Has log::root() write there; again after a log rotation has renamed the file. Throws Error
// unavailable when it cannot be opened: then the former one stays.
void open_process_log(const GatewayOptions& options, const ProcessSettings& process);

}  // namespace sinew::gateway
