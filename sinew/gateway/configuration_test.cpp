#include "sinew/gateway/configuration.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "sinew/base/error.hpp"
#include "sinew/gateway/test_configuration.hpp"
#include "tests/support/error_of.hpp"

namespace sinew::gateway {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const std::filesystem::path repository = REPOSITORY_FOLDER;

TEST(Configuration, NestedEntitiesBelongToWhatTheyStandIn) {
  const auto read = valid(R"(
services:
- name: sales
  host: sales.internal
  routes:
  - {name: orders, paths: [/orders]}
- name: stock
  url: https://stock.example:8443/v2
  routes: [{name: stock, hosts: [stock.example.com]}]
upstreams:
- name: sales.internal
  targets: [{target: 10.0.0.1}, {target: "10.0.0.2:81", weight: 0}]
)");

  ASSERT_EQ(read.services.size(), 2U);
  EXPECT_EQ(read.services[0].upstream, 0U);
  EXPECT_EQ(read.services[1].protocol, Protocol::https);
  EXPECT_EQ(read.services[1].host.text, "stock.example");
  EXPECT_EQ(read.services[1].port, 8443);
  EXPECT_EQ(read.services[1].path->text, "/v2");
  ASSERT_EQ(read.routes.size(), 2U);
  EXPECT_EQ(read.routes[0].service, 0U);
  EXPECT_EQ(read.routes[1].service, 1U);
  ASSERT_EQ(read.upstreams[0].targets.size(), 2U);
  EXPECT_EQ(read.upstreams[0].targets[0].target.text, "10.0.0.1:8000");
  EXPECT_EQ(read.upstreams[0].targets[0].weight, 100);
  EXPECT_EQ(read.upstreams[0].targets[1].weight, 0);
}

TEST(Configuration, FlatEntitiesReferByNameOrId) {
  const auto read = valid(R"(
routes:
- {name: second, paths: [/b], service: {id: 0d5e4bb1-5a5e-4b0a-a5e1-000000000001}}
- {name: first, paths: [/a], service: sales}
services:
- {name: sales, host: a.example}
- {id: 0D5E4BB1-5A5E-4B0A-A5E1-000000000001, host: b.example}
targets: [{target: "[::1]:80", upstream: {name: c.example}}]
upstreams: [{name: c.example}]
)");

  ASSERT_EQ(read.routes.size(), 2U);
  EXPECT_EQ(read.routes[0].service, 1U);
  EXPECT_EQ(read.routes[1].service, 0U);
  EXPECT_EQ(read.upstreams[0].targets[0].target.text, "[::1]:80");
}

TEST(Configuration, HasPathsInTheFormInWhichRequestsAreCompared) {
  const auto read = valid(R"(
services: [{name: a, host: x, routes: [{paths: [/%61/%c3%bc, "/a b", /c]}]}]
)");

  EXPECT_EQ(read.routes[0].paths[0].text, "/a/%C3%BC");
  EXPECT_EQ(read.routes[0].paths[1].text, "/a%20b");
  EXPECT_EQ(read.routes[0].paths[2].text, "/c");
}

TEST(Configuration, LeavesKongsDefaults) {
  const auto read = valid(R"(
services: [{name: a, host: u, routes: [{paths: [/]}]}]
upstreams: [{name: u, targets: [{target: t}]}]
)");

  const auto& service = read.services[0];
  EXPECT_EQ(service.port, 80);
  EXPECT_EQ(service.retries, 5);
  EXPECT_EQ(service.connect_timeout, Milliseconds(60'000));
  EXPECT_EQ(service.read_timeout, Milliseconds(60'000));
  EXPECT_FALSE(service.path);
  const auto& route = read.routes[0];
  EXPECT_THAT(route.protocols, ElementsAre(Protocol::http, Protocol::https));
  EXPECT_TRUE(route.strip_path);
  EXPECT_FALSE(route.preserve_host);
  EXPECT_EQ(route.https_redirect_status_code, HttpsRedirect::upgrade_required);
  const auto& upstream = read.upstreams[0];
  EXPECT_EQ(upstream.algorithm, Algorithm::round_robin);
  EXPECT_EQ(upstream.slots, 10'000);
  EXPECT_EQ(upstream.healthchecks.active.concurrency, 10);
  EXPECT_THAT(upstream.healthchecks.active.healthy.http_statuses, ElementsAre(200, 302));
  EXPECT_THAT(upstream.healthchecks.passive.unhealthy.http_statuses, ElementsAre(429, 500, 503));
  EXPECT_FALSE(upstream.cluster.ejection);
}

TEST(Configuration, TakesNullAsNotGivenAndKongsDefaultsAsGiven) {
  const auto read = valid(R"(
services:
- {name: a, host: x, path: null, tls_verify: null, client_certificate: ~, tags: null}
routes:
- name: r
  service: {name: a}
  paths: [/]
  methods: null
  regex_priority: 0
  path_handling: v0
  request_buffering: true
  response_buffering: true
)");

  EXPECT_THAT(read.routes[0].methods, IsEmpty());
}

// The generator's namespace and the layout of keys are Kong's own; the values were computed from
// them with another implementation of RFC 9562.
TEST(Configuration, DerivesIdsFromNamesAsKongDoes) {
  const std::string text = "services: [{name: sales, host: x, routes: [{paths: [/]}]}]\n";

  const auto read = valid(text);

  EXPECT_EQ(to_string(read.services[0].id), "0c1c02eb-d0cb-58d9-81c7-5122a3b8a933");
  EXPECT_EQ(read.routes[0].id, valid(text).routes[0].id);
  EXPECT_NE(read.routes[0].id, Uuid());
}

TEST(Configuration, ReadsWhatKongLacks) {
  const auto read = valid(R"(
services:
- name: a
  host: x
  sinew: {try_timeout: 2s, cluster: {limits: {requests: 10}, ejection: {max_percent: 50}}}
  routes: [{paths: [/], sinew: {max_body: 2MiB, retry_idempotent: true}}]
upstreams: [{name: u, sinew: {retry_budget: {ratio: 0.1}}}]
sinew:
  listeners:
  - address: 0.0.0.0:8000
    proxy_protocol: {from: [10.0.0.0/8, "::1"]}
    trusted_addresses: [192.0.2.1]
)");

  EXPECT_EQ(read.services[0].exchange.try_timeout, std::chrono::seconds(2));
  EXPECT_EQ(read.services[0].cluster->limits.requests, 10);
  EXPECT_EQ(read.services[0].cluster->limits.pending, 1'024);
  EXPECT_EQ(read.services[0].cluster->ejection->max_percent, 50);
  EXPECT_EQ(read.routes[0].exchange.max_body->bytes, 2U << 20U);
  EXPECT_EQ(read.upstreams[0].cluster.retry_budget.ratio, 0.1);
  EXPECT_EQ(read.listeners[0].proxy_protocol->from.size(), 2U);
}

TEST(Configuration, ReportsEverythingAtOnceByLine) {
  const auto errors = errors_of(R"(routes: [{name: r, paths: [/], service: nowhere}]
services:
- name: a
  host: x
  prot: http
- name: a
  host: y
  port: 70000
plugins: [{name: jwt}]
)");

  EXPECT_EQ(errors,
            "kong.yaml:2: routes[0].service: there is no service \"nowhere\"\n"
            "kong.yaml:6: services[0].prot: there is no such option (did you mean `port`?)\n"
            "kong.yaml:7: services[1]: the service \"a\" is there already, in line 4\n"
            "kong.yaml:9: services[1].port: got \"70000\", expected an integer from 0 to 65535\n"
            "kong.yaml:10: plugins: is known to Kong and not supported yet: remove it, nothing "
            "would act on it\n");
}

TEST(Configuration, KeepsTheFirstHundredErrorsAndCountsTheOthers) {
  std::string text = kHeading + "services:\n";
  for (int i = 0; i < 150; ++i)
    text += "- {name: s" + std::to_string(i) + ", host: x, bad: 1, routes: [{paths: [/]}]}\n";

  const auto reading = read_text(text);

  EXPECT_EQ(reading.errors.size(), 100U);
  EXPECT_EQ(reading.error_count, 150U);
  EXPECT_FALSE(reading.configuration);
}

TEST(Configuration, NeverRepeatsAKey) {
  const auto errors = errors_of("certificates: [{cert: c0ffee, key: hunter2}]\n");

  EXPECT_THAT(errors, HasSubstr("certificates[0].key: got another text, expected PEM"));
  EXPECT_THAT(errors, Not(HasSubstr("hunter2")));
}

TEST(Configuration, SaysWhenTheFileCannotBeRead) {
  const auto missing = tests::error_of([] { read_configuration_file("/nowhere/kong.yaml"); });

  EXPECT_EQ(missing.condition(), Condition::not_found);
}

TEST(Configuration, BoundsWhatAliasesExpandTo) {
  std::string bomb = "services:\n- &a0 {name: x}\n";
  for (int i = 1; i < 12; ++i) {
    const auto before = "*a" + std::to_string(i - 1);
    bomb += "- &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j)
      bomb += before + ",";
    bomb += "]\n";
  }

  EXPECT_THAT(errors_of(bomb), HasSubstr("more than 1000000 values"));
}

TEST(Configuration, BoundsTheNumberOfEntities) {
  std::string many = "services: [";
  for (int i = 0; i < 100'001; ++i)
    many += "[],";

  EXPECT_EQ(read_text(kHeading + many + "]\n").error_count, 100'001U);
}

TEST(Configuration, TheReferenceListsEveryOption) {
  std::ostringstream page;
  page << std::ifstream(repository / "docs/reference/gateway.md").rdbuf();

  EXPECT_TRUE(page.str().contains(configuration_reference()))
      << "docs/reference/gateway.md must contain:\n"
      << configuration_reference();
}

TEST(Configuration, TheGatewayOfCommerceIsValid) {
  const auto reading =
      read_configuration_file(repository / "examples/commerce/commerce.gateway.yaml");

  EXPECT_EQ(lines_of(reading.errors) + lines_of(reading.warnings), "");
  ASSERT_TRUE(reading.configuration);
  EXPECT_EQ(reading.configuration->services.size(), 5U);
}

}  // namespace
}  // namespace sinew::gateway
