#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/base/config_environment.hpp"
#include "sinew/gateway/configuration.hpp"
#include "sinew/gateway/process_values.hpp"

// What kong.conf says of the process, by Kong's names (3.9).
namespace sinew::gateway {

struct ProcessSettings {
  Listens proxy_listen{{{{"0.0.0.0:8000"}, false, false, false, 16'384},
                        {{"0.0.0.0:8443"}, true, true, false, 16'384}}};
  Listens admin_listen{{{{"127.0.0.1:8001"}, false, false, false, 16'384}}};
  Workers nginx_worker_processes;
  UserAndGroup nginx_user;
  ProcessLogLevel log_level = ProcessLogLevel::notice;
  LogTarget proxy_access_log{"logs/access.log"};  // relative to `prefix`
  LogTarget proxy_error_log{"logs/error.log"};
  LogTarget admin_access_log{"logs/admin_access.log"};
  std::string prefix = "/usr/local/kong/";
  std::optional<std::string> declarative_config;
  AddressRanges trusted_ips;
  RealIpHeader real_ip_header{"x-real-ip"};  // or proxy_protocol
  Switch real_ip_recursive;
  NginxSize client_max_body_size;  // 0: no bound
  int upstream_keepalive_pool_size = 512;
  int upstream_keepalive_max_requests = 10'000;
  NginxTime upstream_keepalive_idle_timeout{std::chrono::seconds(60)};
  CipherSuite ssl_cipher_suite = CipherSuite::intermediate;
  std::optional<std::string> ssl_ciphers;  // with custom: OpenSSL's names for TLS 1.2
  TlsVersions ssl_protocols;
  FilePaths ssl_cert;  // for names that no certificate of the configuration is for
  FilePaths ssl_cert_key;
  std::optional<std::string> dns_resolver;  // addresses; none: those of /etc/resolv.conf

  std::vector<std::string> violations() const;
};

struct ProcessReading {
  std::optional<ProcessSettings> settings;  // none where there is an error
  std::vector<config::Problem> errors;      // by line; those of the environment first
  std::size_t error_count = 0;
  std::vector<config::Problem> warnings;  // what Kong knows and has no effect here
};

// Reads `name = value` lines; # begins a comment. An environment variable KONG_<NAME> replaces what
// the file says, as in Kong. A setting that would change nothing is an error when Kong would have
// acted on it and the difference matters (a database, another router, nginx directives), otherwise
// a warning; one that Kong does not know is an error.
ProcessReading read_process_settings(std::string_view text, const std::string& file,
                                     const Environment& environment = process_environment);

// Throws Error not_found or unavailable when the file cannot be read.
ProcessReading read_process_settings_file(const std::filesystem::path& path,
                                          const Environment& environment = process_environment);

// What does not fit between both: settings of a listener that there is not, a listener with the
// PROXY protocol and nobody from whom.
std::vector<config::Problem> listener_problems(const Configuration& configuration,
                                               const ProcessSettings& settings);

// The settings as Markdown, for docs/reference/gateway.md.
std::string process_reference();

}  // namespace sinew::gateway
