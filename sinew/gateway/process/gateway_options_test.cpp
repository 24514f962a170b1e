#include "sinew/gateway/process/gateway_options.hpp"

#include <gtest/gtest.h>

#include <map>

namespace sinew::gateway {
namespace {

GatewayOptions with(std::map<std::string, std::string> variables) {
  GatewayOptions options;
  options.sources.environment = [variables = std::move(variables)](const std::string& name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
  return options;
}

TEST(GatewayOptions, LogToTheStandardStreamsUnlessSomebodyChose) {
  const auto options = with({});
  const ProcessSettings process;

  EXPECT_EQ(access_log_of(options, process).target, "stdout");
  EXPECT_EQ(error_log_of(options, process), "stderr");
}

TEST(GatewayOptions, LogWhereKongConfSays) {
  auto options = with({});
  ProcessSettings process;
  options.sources.conf = "kong.conf";
  EXPECT_EQ(access_log_of(options, process).target, "/usr/local/kong/logs/access.log");
  EXPECT_EQ(error_log_of(options, process), "/usr/local/kong/logs/error.log");

  process.prefix = "/var/lib/gateway";
  process.proxy_access_log = {"/dev/stdout"};
  process.proxy_error_log = {"own.log"};
  EXPECT_EQ(access_log_of(options, process).target, "stdout");
  EXPECT_EQ(error_log_of(options, process), "/var/lib/gateway/own.log");

  process.proxy_access_log = {"off"};
  EXPECT_EQ(access_log_of(options, process).target, "off");
}

TEST(GatewayOptions, LogWhereTheCommandLineSaysBeforeAll) {
  auto options = with({});
  options.access_log = "/tmp/x.log";
  options.access_log_format = "$status";

  const auto settings = access_log_of(options, ProcessSettings());

  EXPECT_EQ(settings.target, "/tmp/x.log");
  EXPECT_EQ(settings.format, "$status");
}

TEST(GatewayOptions, LockAddressesInTheFolderThatIsGiven) {
  auto options = with({{"RUNTIME_DIRECTORY", "/run/gateway"}, {"XDG_RUNTIME_DIR", "/run/user/7"}});
  EXPECT_EQ(run_folder_of(options, 7), "/run/gateway");
  EXPECT_EQ(run_folder_of(with({{"XDG_RUNTIME_DIR", "/run/user/7"}}), 7),
            "/run/user/7/sinew-proxy");
  EXPECT_EQ(run_folder_of(with({}), 7), "/tmp/sinew-proxy-7");
  options.run_folder = "/elsewhere";
  EXPECT_EQ(run_folder_of(options, 7), "/elsewhere");
}

TEST(GatewayOptions, TakeTheRightsOfKongsUserUnlessToldOtherwise) {
  auto options = with({});
  ProcessSettings process;
  EXPECT_EQ(user_of(options, process), "");
  process.nginx_user = {"kong web"};
  EXPECT_EQ(user_of(options, process), "kong:web");
  options.user = "gateway";
  EXPECT_EQ(user_of(options, process), "gateway");
}

TEST(GatewayOptions, KnowsNginxsLevels) {
  EXPECT_EQ(level_of(ProcessLogLevel::debug), log::Level::debug);
  EXPECT_EQ(level_of(ProcessLogLevel::notice), log::Level::info);
  EXPECT_EQ(level_of(ProcessLogLevel::warn), log::Level::warn);
  EXPECT_EQ(level_of(ProcessLogLevel::emerg), log::Level::error);
}

}  // namespace
}  // namespace sinew::gateway
