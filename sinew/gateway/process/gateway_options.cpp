#include "sinew/gateway/process/gateway_options.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sinew::gateway {
namespace {

// As kong.conf has it, or the standard stream in place of a default that nobody chose.
std::string target_of(const LogTarget& target, const LogTarget& usual, std::string_view stream,
                      const GatewayOptions& options, const ProcessSettings& process) {
  const bool chosen = target != usual || !options.sources.conf.empty() ||
                      process.prefix != ProcessSettings().prefix;
  if (!chosen || target.text == fmt::format("/dev/{}", stream)) return std::string(stream);
  if (target.text == "off" || target.text.starts_with('/')) {
    if (target.text == "/dev/stdout") return "stdout";
    if (target.text == "/dev/stderr") return "stderr";
    return target.text;
  }
  return (std::filesystem::path(process.prefix) / target.text).string();
}

}  // namespace

std::filesystem::path run_folder_of(const GatewayOptions& options, unsigned user_id) {
  if (!options.run_folder.empty()) return options.run_folder;
  if (const auto given = options.sources.environment("RUNTIME_DIRECTORY")) return *given;
  if (const auto own = options.sources.environment("XDG_RUNTIME_DIR")) {
    return std::filesystem::path(*own) / "sinew-proxy";
  }
  return fmt::format("/tmp/sinew-proxy-{}", user_id);
}

std::string user_of(const GatewayOptions& options, const std::optional<ProcessSettings>& process) {
  if (!options.user.empty() || !process) return options.user;
  std::string user = process->nginx_user.text;
  std::ranges::replace(user, ' ', ':');
  return user;
}

proxy::AccessLogSettings access_log_of(const GatewayOptions& options,
                                       const ProcessSettings& process) {
  proxy::AccessLogSettings out;
  out.format = options.access_log_format;
  out.target = options.access_log.value_or(target_of(
      process.proxy_access_log, ProcessSettings().proxy_access_log, "stdout", options, process));
  return out;
}

std::string error_log_of(const GatewayOptions& options, const ProcessSettings& process) {
  return target_of(process.proxy_error_log, ProcessSettings().proxy_error_log, "stderr", options,
                   process);
}

void open_process_log(const GatewayOptions& options, const ProcessSettings& process) {
  const auto target = error_log_of(options, process);
  log::root().set_level(target == "off" ? log::Level::off : level_of(process.log_level));
  if (target == "off") return;
  const bool stream = target == "stderr" || target == "stdout";
  log::root().set_sink(stream ? log::stderr_sink(options.log_format)
                              : log::file_sink(target, options.log_format));
}

log::Level level_of(ProcessLogLevel level) noexcept {
  switch (level) {
    case ProcessLogLevel::debug: return log::Level::debug;
    case ProcessLogLevel::info:
    case ProcessLogLevel::notice: return log::Level::info;
    case ProcessLogLevel::warn: return log::Level::warn;
    case ProcessLogLevel::error:
    case ProcessLogLevel::crit:
    case ProcessLogLevel::alert:
    case ProcessLogLevel::emerg: break;
  }
  return log::Level::error;
}

}  // namespace sinew::gateway
