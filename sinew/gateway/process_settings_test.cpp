#include "sinew/gateway/process_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "sinew/base/error.hpp"
#include "sinew/gateway/test_configuration.hpp"
#include "tests/support/error_of.hpp"

namespace sinew::gateway {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ProcessReading read_conf(const std::string& text, std::map<std::string, std::string> set = {}) {
  return read_process_settings(text, "kong.conf", [set](const std::string& name) {
    const auto found = set.find(name);
    return found == set.end() ? std::nullopt : std::optional(found->second);
  });
}

ProcessSettings valid_conf(const std::string& text, std::map<std::string, std::string> set = {}) {
  auto reading = read_conf(text, std::move(set));
  EXPECT_EQ(lines_of(reading.errors), "");
  return reading.settings.value_or(ProcessSettings());
}

TEST(ProcessSettings, AreKongsDefaultsWithoutAFile) {
  const auto settings = valid_conf("");

  ASSERT_EQ(settings.proxy_listen.entries.size(), 2U);
  EXPECT_EQ(settings.proxy_listen.entries[1].address.text, "0.0.0.0:8443");
  EXPECT_TRUE(settings.proxy_listen.entries[1].ssl);
  EXPECT_EQ(settings.admin_listen.entries[0].address.text, "127.0.0.1:8001");
  EXPECT_EQ(settings.nginx_worker_processes.count, 0);
  EXPECT_EQ(settings.upstream_keepalive_pool_size, 512);
  EXPECT_EQ(settings.client_max_body_size.bytes, 0U);
}

TEST(ProcessSettings, AreReadFromLines) {
  const auto settings = valid_conf(R"(
# a comment
proxy_listen = 0.0.0.0:80 reuseport backlog=511, [::1]:443 ssl http2 proxy_protocol   # another
admin_listen=off
nginx_worker_processes = 4
log_level = warn
proxy_access_log = off
proxy_error_log = /var/log/a\#b.log
trusted_ips = 10.0.0.0/8, ::1
real_ip_header = X-Forwarded-For
real_ip_recursive = on
nginx_http_client_max_body_size = 8m
upstream_keepalive_idle_timeout = 90
ssl_cipher_suite = custom
ssl_ciphers = ECDHE-RSA-AES128-GCM-SHA256
ssl_protocols = TLSv1.3
ssl_cert = /etc/a.pem, /etc/b.pem
ssl_cert_key = /etc/a.key, /etc/b.key
database = off
declarative_config =
)");

  ASSERT_EQ(settings.proxy_listen.entries.size(), 2U);
  EXPECT_EQ(settings.proxy_listen.entries[0].backlog, 511);
  EXPECT_TRUE(settings.proxy_listen.entries[1].proxy_protocol);
  EXPECT_TRUE(settings.admin_listen.entries.empty());
  EXPECT_EQ(settings.nginx_worker_processes.count, 4);
  EXPECT_EQ(settings.log_level, ProcessLogLevel::warn);
  EXPECT_EQ(settings.proxy_access_log.text, "off");
  EXPECT_EQ(settings.proxy_error_log.text, "/var/log/a#b.log");
  EXPECT_EQ(settings.trusted_ips.ranges.size(), 2U);
  EXPECT_EQ(settings.real_ip_header.text, "x-forwarded-for");
  EXPECT_TRUE(settings.real_ip_recursive.on);
  EXPECT_EQ(settings.client_max_body_size.bytes, 8U << 20U);
  EXPECT_EQ(settings.upstream_keepalive_idle_timeout.time, std::chrono::seconds(90));
  EXPECT_FALSE(settings.ssl_protocols.tls_1_2);
  EXPECT_THAT(settings.ssl_cert.paths, ElementsAre("/etc/a.pem", "/etc/b.pem"));
  EXPECT_FALSE(settings.declarative_config);
}

TEST(ProcessSettings, OfTheEnvironmentReplaceThoseOfTheFile) {
  const auto settings =
      valid_conf("log_level = warn\n", {{"KONG_LOG_LEVEL", "debug"}, {"KONG_PROXY_LISTEN", "off"}});

  EXPECT_EQ(settings.log_level, ProcessLogLevel::debug);
  EXPECT_TRUE(settings.proxy_listen.entries.empty());
}

TEST(ProcessSettings, SayEverythingThatIsWrongByLine) {
  const auto reading = read_conf(R"(proxy_listen = 8000
log_levle = warn
nonsense
nginx_worker_processes = 0
nginx_worker_processes = 2
nginx_proxy_proxy_buffers = 16 80k
database = postgres
ssl_protocols = TLSv1.1 TLSv1.2
)",
                                 {{"KONG_TRUSTED_IPS", "everybody"}});

  const auto errors = lines_of(reading.errors);
  for (const char* says :
       {"KONG_TRUSTED_IPS: got \"everybody\"", "kong.conf:1: proxy_listen: got \"8000\"",
        "kong.conf:2: log_levle: there is no such option (did you mean `log_level`?)",
        "kong.conf:3: expected name = value", "kong.conf:4: nginx_worker_processes: got \"0\"",
        "kong.conf:5: nginx_worker_processes: is given twice, first in line 4",
        "kong.conf:6: nginx_proxy_proxy_buffers: is a directive of nginx",
        "kong.conf:7: database: got \"postgres\", expected off",
        "kong.conf:8: ssl_protocols: got"}) {
    EXPECT_THAT(errors, HasSubstr(says));
  }
  EXPECT_EQ(reading.error_count, 9U);
  EXPECT_FALSE(reading.settings);
}

TEST(ProcessSettings, ThatHaveNoEffectAreWarnedOf) {
  const auto reading = read_conf("plugins = bundled\npg_host = db\nadmin_listen = 0.0.0.0:8001\n");

  EXPECT_TRUE(reading.settings);
  EXPECT_EQ(lines_of(reading.warnings),
            "admin_listen: 0.0.0.0:8001 can be reached from elsewhere, and asks nobody who he is\n"
            "kong.conf:1: plugins: is known to Kong and has no effect here\n"
            "kong.conf:2: pg_host: is known to Kong and has no effect here\n");
}

TEST(ProcessSettings, MustFitTogether) {
  for (const auto& [text, says] : {
           std::pair("ssl_cert = /a\n", "ssl_cert names 1 files and ssl_cert_key 0"),
           std::pair("ssl_ciphers = X\n", "ssl_ciphers belongs to ssl_cipher_suite = custom"),
           std::pair("real_ip_header = proxy_protocol\n", "no proxy_listen has that"),
       }) {
    EXPECT_THAT(lines_of(read_conf(text).errors), HasSubstr(says));
  }
}

TEST(ProcessSettings, AndListenersOfTheConfigurationMustFit) {
  const auto configuration = valid("sinew: {listeners: [{address: 0.0.0.0:81}]}\n");
  const auto settings = valid_conf("proxy_listen = 0.0.0.0:80 proxy_protocol\n");

  const auto problems = lines_of(listener_problems(configuration, settings));

  EXPECT_THAT(problems, HasSubstr("0.0.0.0:81 is no address of proxy_listen"));
  EXPECT_THAT(problems, HasSubstr("0.0.0.0:80 has proxy_protocol: say from whom"));
  const auto fitting =
      valid("sinew: {listeners: [{address: 0.0.0.0:80, proxy_protocol: {from: [10.0.0.0/8]}}]}\n");
  EXPECT_EQ(lines_of(listener_problems(fitting, settings)), "");
}

TEST(ProcessSettings, SayWhenTheFileIsNotThere) {
  const auto missing = tests::error_of([] { read_process_settings_file("/nowhere/kong.conf"); });

  EXPECT_EQ(missing.condition(), Condition::not_found);
}

TEST(ProcessSettings, TheReferenceListsEverySetting) {
  std::ostringstream page;
  page << std::ifstream(std::filesystem::path(REPOSITORY_FOLDER) / "docs/reference/gateway.md")
              .rdbuf();

  EXPECT_TRUE(page.str().contains(process_reference()))
      << "docs/reference/gateway.md must contain:\n"
      << process_reference();
}

}  // namespace
}  // namespace sinew::gateway
