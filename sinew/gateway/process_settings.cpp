#include "sinew/gateway/process_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "sinew/base/config.hpp"
#include "sinew/base/error.hpp"
#include "sinew/base/utf8.hpp"
#include "sinew/gateway/document_rules.hpp"
#include "sinew/gateway/line_order.hpp"

namespace sinew::gateway {
namespace {

using config::Node;
using config::Position;
using config::Problem;
using config::Problems;

constexpr std::size_t kMaxFile = 1U << 20U;  // bytes

// Known to Kong, without effect here and without harm: reported, not refused.
constexpr std::array<std::string_view, 26> kIgnored{"anonymous_reports",
                                                    "nginx_daemon",
                                                    "nginx_main_daemon",
                                                    "nginx_main_worker_rlimit_nofile",
                                                    "nginx_events_worker_connections",
                                                    "nginx_events_multi_accept",
                                                    "nginx_http_charset",
                                                    "nginx_http_client_body_buffer_size",
                                                    "client_body_buffer_size",
                                                    "mem_cache_size",
                                                    "headers",
                                                    "plugins",
                                                    "vaults",
                                                    "error_default_type",
                                                    "worker_consistency",
                                                    "worker_state_update_frequency",
                                                    "ssl_prefer_server_ciphers",
                                                    "ssl_session_tickets",
                                                    "ssl_session_timeout",
                                                    "ssl_session_cache_size",
                                                    "ssl_dhparam",
                                                    "admin_error_log",
                                                    "status_access_log",
                                                    "status_error_log",
                                                    "allow_debug_header",
                                                    "node_id"};
constexpr std::array<std::string_view, 11> kIgnoredFamilies{
    "pg_",     "db_",     "lua_",          "lmdb_",    "dns_",    "admin_gui_",
    "vitals_", "portal_", "proxy_stream_", "cluster_", "tracing_"};
constexpr std::array<std::string_view, 4> kDirectives{"nginx_http_", "nginx_proxy_", "nginx_main_",
                                                      "nginx_upstream_"};

// Settings that have one value here.
struct ProcessDocument : ProcessSettings {
  Only<"off"> database;
  Only<"off"> stream_listen;
  Only<"off"> status_listen;
  Only<"traditional"> role;
  Only<"traditional_compatible"> router_flavor;

  static void describe(config::Section<ProcessDocument>& section);
};

template <class T, class M>
auto option(config::Section<ProcessDocument>& section, std::string name, M T::* member,
            std::string text) {
  return section.option(std::move(name), static_cast<M ProcessDocument::*>(member),
                        std::move(text));
}

void describe_logs(config::Section<ProcessDocument>& section) {
  using S = ProcessDocument;
  option(section, "log_level", &S::log_level, "notice is info here; crit and beyond are error");
  option(section, "proxy_access_log", &S::proxy_access_log, "relative to prefix");
  option(section, "proxy_error_log", &S::proxy_error_log, "relative to prefix");
  option(section, "admin_access_log", &S::admin_access_log, "relative to prefix");
  option(section, "prefix", &S::prefix, "the working folder");
}

void describe_clients(config::Section<ProcessDocument>& section) {
  using S = ProcessDocument;
  option(section, "trusted_ips", &S::trusted_ips, "whose X-Forwarded-* are believed");
  option(section, "real_ip_header", &S::real_ip_header, "where trusted_ips say who the client is");
  option(section, "real_ip_recursive", &S::real_ip_recursive,
         "on: the last address that is not trusted, otherwise the last one");
  option(section, "client_max_body_size", &S::client_max_body_size, "of a request; 0: no bound");
  option(section, "nginx_http_client_max_body_size", &S::client_max_body_size,
         "as client_max_body_size");
}

void describe_upstreams(config::Section<ProcessDocument>& section) {
  using S = ProcessDocument;
  option(section, "upstream_keepalive_pool_size", &S::upstream_keepalive_pool_size,
         "idle connections kept for an upstream and worker; 0: none")
      .range(0, 100'000);
  option(section, "upstream_keepalive_max_requests", &S::upstream_keepalive_max_requests,
         "over one connection; 0: no bound")
      .range(0, 2'000'000'000);
  option(section, "upstream_keepalive_idle_timeout", &S::upstream_keepalive_idle_timeout,
         "of an idle connection; 0: no bound");
  option(section, "dns_resolver", &S::dns_resolver, "addresses; none: those of /etc/resolv.conf");
}

void describe_tls(config::Section<ProcessDocument>& section) {
  using S = ProcessDocument;
  option(section, "ssl_cipher_suite", &S::ssl_cipher_suite, "Mozilla's; modern: TLS 1.3 alone");
  option(section, "ssl_ciphers", &S::ssl_ciphers, "with custom: OpenSSL's names, for TLS 1.2");
  option(section, "ssl_protocols", &S::ssl_protocols, "of clients");
  option(section, "ssl_cert", &S::ssl_cert, "for names that no certificate is for");
  option(section, "ssl_cert_key", &S::ssl_cert_key, "as many as ssl_cert, in its order");
}

void ProcessDocument::describe(config::Section<ProcessDocument>& section) {
  using S = ProcessDocument;
  option(section, "proxy_listen", &S::proxy_listen, "for clients");
  option(section, "admin_listen", &S::admin_listen, "health, metrics, drain; keep it on loopback");
  option(section, "nginx_worker_processes", &S::nginx_worker_processes, "auto: a worker each core");
  option(section, "nginx_main_worker_processes", &S::nginx_worker_processes,
         "as nginx_worker_processes");
  option(section, "nginx_user", &S::nginx_user, "whose rights the process takes, started as root");
  option(section, "declarative_config", &S::declarative_config, "the file in Kong's format");
  describe_logs(section);
  describe_clients(section);
  describe_upstreams(section);
  describe_tls(section);
  option(section, "database", &S::database, "there is none: write database = off");
  option(section, "stream_listen", &S::stream_listen, "TCP and UDP are not supported yet");
  option(section, "status_listen", &S::status_listen, "the admin listener has the status");
  option(section, "role", &S::role, "there are no clusters");
  option(section, "router_flavor", &S::router_flavor, "the precedence of routes");
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// Up to a # that is not escaped; escapes are taken away.
std::string without_comment(std::string_view line) {
  std::string out;
  for (std::size_t i = 0; i < line.size() && line[i] != '#'; ++i) {
    if (line[i] == '\\' && i + 1 < line.size() && line[i + 1] == '#') ++i;
    out += line[i];
  }
  return out;
}

std::string variable_of(std::string_view name) {
  std::string variable = "KONG_";
  for (const char c : name)
    variable += c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
  return variable;
}

class ConfReader {
 public:
  ConfReader(const std::string& file, Problems& problems, Problems& warnings)
      : file_(std::make_shared<const std::string>(file)),
        problems_(problems),
        warnings_(warnings),
        root_(Node::Kind::map, {file_, 1}) {}

  Node read(std::string_view text, const Environment& environment) {
    if (text.size() > kMaxFile || find_malformed_utf8(text)) {
      problems_.add({{file_, 1}, "", fmt::format("is no text in UTF-8 of {} bytes", kMaxFile)});
      text = {};
    }
    for (std::size_t begin = 0; begin < text.size();) {
      const auto end = std::min(text.find('\n', begin), text.size());
      ++line_;
      read_line(without_comment(text.substr(begin, end - begin)));
      begin = end + 1;
    }
    take_environment(environment);
    for (const auto& [name, value] : values_)
      root_.append({name, value.position()}, value);
    return std::move(root_);
  }

 private:
  void read_line(const std::string& line) {
    const auto content = trimmed(line);
    if (content.empty()) return;
    const Position position{file_, line_};
    const auto equals = content.find('=');
    if (equals == std::string_view::npos) {
      return problems_.add({position, "", "expected name = value"});
    }
    const std::string name(trimmed(content.substr(0, equals)));
    const auto value = trimmed(content.substr(equals + 1));
    if (!lines_.try_emplace(name, line_).second) {
      return problems_.add({position, std::string(utf8_prefix(name, 64)),
                            fmt::format("is given twice, first in line {}", lines_[name])});
    }
    if (!value.empty() && !passes_over(name, position)) {
      values_.emplace(name, Node::scalar(std::string(value), position));
    }
  }

  bool passes_over(const std::string& name, const Position& position) {
    const auto begins = [&](std::string_view family) { return name.starts_with(family); };
    if (name == "dns_resolver" || name == "nginx_http_client_max_body_size" ||
        name == "nginx_main_worker_processes") {
      return false;
    }
    if (std::ranges::find(kIgnored, name) != kIgnored.end() ||
        std::ranges::any_of(kIgnoredFamilies, begins)) {
      warnings_.add({position, name, "is known to Kong and has no effect here"});
      return true;
    }
    if (!std::ranges::any_of(kDirectives, begins)) return false;
    problems_.add({position, name, "is a directive of nginx, which there is none of: remove it"});
    return true;
  }

  void take_environment(const Environment& environment) {
    for (const auto& known : config::reference<ProcessDocument>()) {
      const auto value = environment(variable_of(known.path));
      if (!value || value->empty()) continue;
      values_.insert_or_assign(known.path, Node::scalar(*value, {}));
    }
  }

  std::shared_ptr<const std::string> file_;
  Problems& problems_;
  Problems& warnings_;
  Node root_;
  std::size_t line_ = 0;
  std::map<std::string, std::size_t> lines_;
  std::map<std::string, Node> values_;
};

std::vector<Problem> by_line(const Problems& problems) {
  std::vector<Problem> out(problems.kept().begin(), problems.kept().end());
  order_by_line(out);
  return out;
}

bool is_loopback(const Listen& listen) {
  return listen.address.text.starts_with("127.") || listen.address.text.starts_with("[::1]");
}

void warn_of(const ProcessSettings& settings, Problems& warnings) {
  for (const auto& listen : settings.admin_listen.entries) {
    if (is_loopback(listen)) continue;
    warnings.add({{},
                  "admin_listen",
                  fmt::format("{} can be reached from elsewhere, and asks nobody who he is",
                              listen.address.text)});
  }
}

}  // namespace

std::vector<std::string> ProcessSettings::violations() const {
  std::vector<std::string> out;
  if (ssl_cert.paths.size() != ssl_cert_key.paths.size()) {
    out.push_back(fmt::format("ssl_cert names {} files and ssl_cert_key {}", ssl_cert.paths.size(),
                              ssl_cert_key.paths.size()));
  }
  if ((ssl_cipher_suite == CipherSuite::custom) != ssl_ciphers.has_value()) {
    out.emplace_back("ssl_ciphers belongs to ssl_cipher_suite = custom, and that needs it");
  }
  if (real_ip_header.text == "proxy_protocol") {
    const auto has = [](const Listen& listen) { return listen.proxy_protocol; };
    if (std::ranges::none_of(proxy_listen.entries, has)) {
      out.emplace_back("real_ip_header is proxy_protocol, and no proxy_listen has that");
    }
  }
  return out;
}

ProcessReading read_process_settings(std::string_view text, const std::string& file,
                                     const Environment& environment) {
  Problems problems;
  Problems warnings;
  const Node root = ConfReader(file, problems, warnings).read(text, environment);
  auto document = config::read<ProcessDocument>(root, problems, environment);
  ProcessReading out;
  if (problems.empty()) {
    warn_of(document, warnings);
    out.settings = static_cast<const ProcessSettings&>(document);
  }
  out.errors = by_line(problems);
  for (auto& problem : out.errors) {
    if (!problem.position.file) problem.path = variable_of(problem.path);
  }
  out.error_count = problems.count();
  out.warnings = by_line(warnings);
  return out;
}

ProcessReading read_process_settings_file(const std::filesystem::path& path,
                                          const Environment& environment) {
  if (!std::filesystem::is_regular_file(path)) {
    throw Error(Condition::not_found, fmt::format("there is no file {}", path.string()));
  }
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxFile + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || (file.fail() && !file.eof())) {
    throw Error(Condition::unavailable,
                fmt::format("the file {} cannot be read; check its permissions", path.string()));
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  return read_process_settings(text, path.string(), environment);
}

std::vector<Problem> listener_problems(const Configuration& configuration,
                                       const ProcessSettings& settings) {
  std::vector<Problem> out;
  const auto& entries = settings.proxy_listen.entries;
  const auto& listeners = configuration.listeners;
  for (const auto& listener : listeners) {
    const auto same = [&](const Listen& listen) { return listen.address == listener.address; };
    if (std::ranges::none_of(entries, same)) {
      out.push_back({{},
                     "sinew.listeners",
                     fmt::format("{} is no address of proxy_listen", listener.address.text)});
    }
  }
  std::set<std::string> addresses;
  for (const auto& listen : entries) {
    if (!addresses.insert(listen.address.text).second) {
      out.push_back({{}, "proxy_listen", fmt::format("{} is there twice", listen.address.text)});
    }
    const auto names_senders = [&](const ListenerSettings& listener) {
      return listener.address == listen.address && listener.proxy_protocol.has_value();
    };
    if (listen.proxy_protocol && std::ranges::none_of(listeners, names_senders)) {
      out.push_back({{},
                     "proxy_listen",
                     fmt::format("{0} has proxy_protocol: say from whom, sinew: {{listeners: "
                                 "[{{address: {0}, proxy_protocol: {{from: [...]}}}}]}}",
                                 listen.address.text)});
    }
  }
  return out;
}

std::string process_reference() {
  std::string ignored;
  for (const auto name : kIgnored)
    ignored += fmt::format("`{}`, ", name);
  return to_markdown(config::reference<ProcessDocument>()) +
         fmt::format("\nWithout effect, with a warning: {}and what begins with `{}`.\n", ignored,
                     fmt::join(kIgnoredFamilies, "`, `"));
}

}  // namespace sinew::gateway
