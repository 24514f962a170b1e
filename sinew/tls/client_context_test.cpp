#include "sinew/tls/client_context.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sinew/tls/test_connection.hpp"

namespace sinew::tls {
namespace {

using namespace test;
using testing::HasSubstr;

struct Verified {
  const char* name;
  Issue issue;
  Target target;
  std::error_code error;
};

class TlsVerification : public testing::TestWithParam<Verified> {};

TEST_P(TlsVerification, JudgesTheServer) {
  ServerOptions options;
  options.identities.push_back({authority().certificate(GetParam().issue)});
  Connection connection;
  connection.begin(serve(options), call(), GetParam().target);

  connection.shake_hands();

  EXPECT_EQ(connection.client_error, GetParam().error) << connection.client->failure();
  if (GetParam().error && GetParam().error != Fault::no_name) {
    EXPECT_THAT(connection.client->failure(), HasSubstr("CN=test, issued by CN=Test Authority"));
    EXPECT_EQ(connection.server_error.category(), alert_category());
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, TlsVerification,
    testing::Values(
        Verified{"name", {.names = "DNS:a.test"}, {"a.test"}, {}},
        Verified{"other_case", {.names = "DNS:a.test"}, {"A.Test"}, {}},
        Verified{"wildcard", {.names = "DNS:*.test.example"}, {"a.test.example"}, {}},
        Verified{"wildcard_is_one_label",
                 {.names = "DNS:*.test.example"},
                 {"a.b.test.example"},
                 Fault::wrong_name},
        Verified{"no_partial_wildcard",
                 {.names = "DNS:a*.test.example"},
                 {"ab.test.example"},
                 Fault::wrong_name},
        Verified{"other_name", {.names = "DNS:a.test"}, {"b.test"}, Fault::wrong_name},
        Verified{"subject_is_no_name", {}, {"test"}, Fault::wrong_name},
        Verified{"address", {.names = "IP:127.0.0.1"}, {"127.0.0.1"}, {}},
        Verified{"address_v6", {.names = "IP:::1"}, {"::1"}, {}},
        Verified{"other_address", {.names = "IP:127.0.0.1"}, {"127.0.0.2"}, Fault::wrong_name},
        Verified{"address_as_name", {.names = "DNS:127.0.0.1"}, {"127.0.0.1"}, Fault::wrong_name},
        Verified{"asked_by_another", {.names = "DNS:a.test"}, {"a.test", "sni.test"}, {}},
        Verified{"expired",
                 {.names = "DNS:a.test", .not_after = 1'000'000'000},
                 {"a.test"},
                 Fault::certificate_expired},
        Verified{"early",
                 {.names = "DNS:a.test", .not_before = 4'000'000'000},
                 {"a.test"},
                 Fault::certificate_not_yet_valid},
        Verified{"a_clients",
                 {.names = "DNS:a.test", .usage = "clientAuth"},
                 {"a.test"},
                 Fault::wrong_purpose},
        Verified{"no_name_given", {.names = "DNS:a.test"}, {""}, Fault::no_name}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(ClientContext, RefusesAnUnknownAuthority) {
  const Authority stranger("Stranger");
  Connection connection;
  connection.begin(serve(), call({.authorities = stranger.pem()}));

  connection.shake_hands();

  EXPECT_EQ(connection.client_error, Fault::unknown_authority);
  EXPECT_THAT(connection.client->failure(),
              HasSubstr("unable to get local issuer certificate; CN=server, issued by CN=Test "
                        "Authority); the peer was sent the alert `unknown CA`"));
  EXPECT_EQ(connection.server_error, alert_code(48));
}

TEST(ClientContext, TheSystemsAuthoritiesDoNotKnowOurs) {
  Connection connection;
  connection.begin(serve(), value_of(ClientContext::make({})));

  connection.shake_hands();

  EXPECT_EQ(connection.client_error, Fault::unknown_authority);
}

TEST(ClientContext, TakesAnythingWhenToldTo) {
  Connection connection;
  connection.begin(serve(), value_of(ClientContext::make({.verify = false})), {""});

  connection.shake_hands();

  EXPECT_FALSE(connection.client_error) << connection.client->failure();
  EXPECT_EQ(connection.server->server_name(), "");
}

TEST(ClientContext, VerifiesByTheClockOfTheRuntime) {
  const auto day = std::chrono::hours(24);
  const auto now = Connection().world.wall_now();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now + day).time_since_epoch();
  ServerOptions options;
  options.identities.push_back(
      {authority().certificate({.names = "DNS:orders.test", .not_after = seconds.count()})});
  const auto context = serve(options);
  const auto error_after = [&](auto time) {
    Connection connection;
    connection.world.advance(time);
    connection.begin(context, call());
    connection.shake_hands();
    return connection.client_error;
  };

  EXPECT_FALSE(error_after(day / 2));
  EXPECT_EQ(error_after(day * 2), Fault::certificate_expired);
}

TEST(ClientContext, NamesEveryMistakeAtOnce) {
  const auto made = ClientContext::make(
      {.authorities = "no PEM", .applications = {""}, .settings = {.suites = "TLS_NONSENSE"}});

  ASSERT_FALSE(made);
  EXPECT_THAT(made.error(),
              testing::ElementsAre(HasSubstr("suites of TLS 1.3 'TLS_NONSENSE'"),
                                   HasSubstr("authorities: there is no certificate in it"),
                                   HasSubstr("has 0 bytes, not 1 to 255")));
}

}  // namespace
}  // namespace sinew::tls
