#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "sinew/gateway/test_configuration.hpp"

namespace sinew::gateway {
namespace {

using testing::HasSubstr;

struct Case {
  std::string_view name;
  std::string text;  // from line 2 on
  std::string says;
};

std::string service_with(const std::string& options) {
  return "services: [{name: a, host: x, " + options + "}]\n";
}
std::string route_with(const std::string& options) {
  return "services: [{name: a, host: x}]\nroutes: [{service: a, " + options + "}]\n";
}
std::string upstream_with(const std::string& options) {
  return "upstreams: [{name: u, " + options + "}]\n";
}

class Errors : public testing::TestWithParam<Case> {};

TEST_P(Errors, AreSaidWithTheirLine) {
  EXPECT_THAT(errors_of(GetParam().text), HasSubstr(GetParam().says));
}

std::string name_of(const testing::TestParamInfo<Case>& info) {
  return std::string(info.param.name);
}

INSTANTIATE_TEST_SUITE_P(
    OfFiles, Errors,
    testing::Values(
        Case{"broken_yaml", "services: [", "kong.yaml:2: not valid YAML"},
        Case{"duplicate_key", "services: []\nservices: []\n",
             "kong.yaml:3: the key `services` is given twice, first in line 2"},
        Case{"not_a_list", "services: {a: b}\n",
             "kong.yaml:2: services: got a map, expected a list of entities"},
        Case{"not_an_entity", "services: [a]\n",
             "kong.yaml:2: services[0]: got a value, expected a map of options"},
        Case{"misspelt_entity", "service: []\n",
             "service: there is no such option (did you mean "
             "`services`?)"},
        Case{"consumers", "consumers: [{username: x}]\n", "consumers: is known to Kong"},
        Case{"listener_twice",
             "sinew: {listeners: [{address: 0.0.0.0:80}, {address: 0.0.0.0:80}]}\n",
             "sinew.listeners: 0.0.0.0:80 is there twice"},
        Case{"listener_without_port", "sinew: {listeners: [{address: localhost}]}\n",
             "listeners[0].address: got \"localhost\", expected an IP address and a port"},
        Case{"proxy_protocol_from_nobody",
             "sinew: {listeners: [{address: 0.0.0.0:80, proxy_protocol: {}}]}\n",
             "proxy_protocol.from: is required"},
        Case{"bad_range",
             "sinew: {listeners: [{address: 0.0.0.0:80, trusted_addresses: [10.0.0.0/33]}]}\n",
             "trusted_addresses[0]: got \"10.0.0.0/33\""}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    OfServices, Errors,
    testing::Values(
        Case{"no_host", "services: [{name: a}]\n", "services[0]: host is required, or url"},
        Case{"host_with_port", "services: [{name: a, host: \"x:80\"}]\n", "without a port"},
        Case{"url_and_host", service_with("url: http://x/"), "host: stands in the url already"},
        Case{"url_with_query", "services: [{url: \"http://x/?a\"}]\n", "services[0].url: expected"},
        Case{"url_of_another_scheme", "services: [{url: ftp://x}]\n", "services[0].url: expected"},
        Case{"grpc", service_with("protocol: grpc"), "not supported yet"},
        Case{"path_with_empty_segment", service_with("path: /a//b"), "no empty segment"},
        Case{"timeout_with_unit", service_with("read_timeout: 5s"),
             "read_timeout: got \"5s\", expected whole milliseconds from 1 to 2147483646"},
        Case{"retries", service_with("retries: -1"), "an integer from 0 to 32767"},
        Case{"name", "services: [{name: a b, host: x}]\n", "a name of letters"},
        Case{"id", service_with("id: 17"), "id: got \"17\", expected a UUID"},
        Case{"ids_equal",
             "services:\n- {id: 0d5e4bb1-5a5e-4b0a-a5e1-000000000001, host: x}\n"
             "- {id: 0d5e4bb1-5a5e-4b0a-a5e1-000000000001, host: y}\n",
             "kong.yaml:4: services[1]: the service \"0d5e4bb1-5a5e-4b0a-a5e1-000000000001\" is "
             "there already, in line 3"},
        Case{"plugins_in_a_service", service_with("plugins: []"), "services[0].plugins: is known"},
        Case{"cluster_of_an_upstream",
             "services: [{name: a, host: u, sinew: {cluster: {}}}]\nupstreams: [{name: u}]\n",
             "services[0].sinew.cluster: the host is an upstream: these settings belong there, "
             "line 3"},
        Case{"ejection_times",
             service_with("sinew: {cluster: {ejection: {base_time: 10m, max_time: 1m}}}"),
             "max_time 1m is shorter than base_time 10m"},
        Case{"tag", service_with("tags: [\"a,b\"]"), "a tag without"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    OfRoutes, Errors,
    testing::Values(
        Case{"no_service", "routes: [{paths: [/]}]\n",
             "routes[0].service: is required: the name or id of a service"},
        Case{"service_of_a_nested_one", service_with("routes: [{paths: [/], service: a}]"),
             "stands in a service already; leave `service` out"},
        Case{"misspelt_service",
             "services: [{name: orders, host: x}]\n"
             "routes: [{paths: [/], service: order}]\n",
             "there is no service \"order\" (did you mean `orders`?)"},
        Case{"reference_with_more",
             route_with("paths: [/]") + "targets: [{target: a, upstream: {name: a, id: b}}]\n",
             "expected a name or id"},
        Case{"no_criterion", route_with("name: r"),
             "needs one of methods, hosts, headers, paths, snis"},
        Case{"snis_without_https", route_with("paths: [/], protocols: [http], snis: [a.example]"),
             "snis need https"},
        Case{"regular_expression", route_with("paths: [\"~/a/.*\"]"),
             "(regular expressions, ~/..., are not supported yet)"},
        Case{"relative_path", route_with("paths: [a]"), "a normalised path prefix"},
        Case{"encoded_slash", route_with("paths: [/a%2Fb]"), "a normalised path prefix"},
        Case{"dot_segments", route_with("paths: [/a/../b]"), "a normalised path prefix"},
        Case{"host_with_two_wildcards", route_with("hosts: [\"*.a.*\"]"), "at most one *"},
        Case{"host_with_a_partial_wildcard", route_with("hosts: [\"a*.example\"]"),
             "at most one *"},
        Case{"method_in_lower_case", route_with("methods: [get]"), "in upper case"},
        Case{"host_header", route_with("headers: {Host: [a]}"), "the host is matched by hosts"},
        Case{"header_without_values", route_with("headers: {x-a: []}"), "has no value"},
        Case{"header_twice", route_with("headers: {x-a: [b], X-A: [c]}"), "is given twice"},
        Case{"header_expression", route_with("headers: {x-a: [\"~*b\"]}"), "not supported yet"},
        Case{"redirect_status", route_with("paths: [/], https_redirect_status_code: 303"),
             "one of 426, 301, 302, 307, 308"},
        Case{"path_handling", route_with("paths: [/], path_handling: v1"), "expected v0"},
        Case{"protocol_twice", route_with("paths: [/], protocols: [http, http]"), "http twice"},
        Case{"stream_protocol", route_with("paths: [/], protocols: [tcp]"), "not supported yet"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    OfUpstreams, Errors,
    testing::Values(
        Case{"address_as_name", "upstreams: [{name: 10.0.0.1}]\n", "a host name (no IP address"},
        Case{"no_name", "upstreams: [{slots: 10}]\n", "upstreams[0].name: is required"},
        Case{"slots", upstream_with("slots: 9"), "from 10 to 65536"},
        Case{"algorithm", upstream_with("algorithm: latency"), "(latency is not supported yet)"},
        Case{"header_to_hash", upstream_with("hash_on: header"),
             "hash_on is header, so hash_on_header is required"},
        Case{"cookie_to_hash", upstream_with("hash_on: ip, hash_fallback: cookie"),
             "hash_fallback is cookie, so hash_on_cookie is required"},
        Case{"fallback_without_hash", upstream_with("hash_fallback: ip"),
             "hash_fallback must be none where hash_on is none"},
        Case{"fallback_the_same", upstream_with("hash_on: ip, hash_fallback: ip"),
             "hash_fallback is ip as hash_on is"},
        Case{"headers_the_same",
             upstream_with("hash_on: header, hash_on_header: a, hash_fallback: header, "
                           "hash_fallback_header: A"),
             "hash_fallback_header is the same"},
        Case{"status", upstream_with("healthchecks: {active: {healthy: {http_statuses: [20]}}}"),
             "http_statuses[0]: got \"20\", expected an integer from 100 to 599"},
        Case{"threshold", upstream_with("healthchecks: {threshold: 101}"), "from 0 to 100"},
        Case{"target", upstream_with("targets: [{target: \"a:b\"}]"), "host:port"},
        Case{"target_without_address", upstream_with("targets: [{weight: 1}]"),
             "targets[0].target: is required"},
        Case{"weight", upstream_with("targets: [{target: a, weight: 65536}]"), "from 0 to 65535"},
        Case{"target_twice", upstream_with("targets: [{target: a}, {target: \"A:8000\"}]"),
             "a:8000 is there already, in line 2"},
        Case{"target_of_nothing", "targets: [{target: a}]\n", "targets[0].upstream: is required"},
        Case{"upstream_twice", "upstreams: [{name: u}, {name: U}]\n",
             "the upstream \"u\" is there already"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    OfCertificates, Errors,
    testing::Values(
        Case{"no_key", "certificates: [{}]\n", "key is required, or sinew.key"},
        Case{"vault",
             "certificates: [{cert: \"{vault://env/cert}\", key: \"{vault://env/key}\"}]\n",
             "certificates[0].key: references to Kong's vaults are not supported: give the PEM"},
        Case{"missing_file", "certificates: [{sinew: {cert: file:/nowhere, key: env:NO_KEY}}]\n",
             "certificates[0].sinew.cert: "},
        Case{"unreadable_pem",
             "certificates:\n- cert: |\n    -----BEGIN CERTIFICATE-----\n    AAAA\n"
             "    -----END CERTIFICATE-----\n  key: |\n    -----BEGIN PRIVATE KEY-----\n    AAAA\n"
             "    -----END PRIVATE KEY-----\n",
             "kong.yaml:3: certificates[0]: "},
        Case{"sni_of_nothing", "snis: [{name: a.example}]\n", "snis[0].certificate: is required"},
        Case{"sni_twice", "certificates: [{snis: [{name: a.example}, {name: A.example.}]}]\n",
             "the name of a server \"a.example\" is there already"},
        Case{"sni_with_a_wildcard_at_the_end", "certificates: [{snis: [{name: a.*}]}]\n",
             "a wildcard at the end is not supported yet"}),
    name_of);

TEST(FormatVersion, OfKongBefore3IsRefusedWithWhatToDo) {
  EXPECT_THAT(
      lines_of(read_text("_format_version: \"2.1\"\n").errors),
      HasSubstr("kong.yaml:1: _format_version: got \"2.1\", expected \"3.0\" (files of 1.1 and 2.1 "
                "have to be converted"));
  EXPECT_THAT(lines_of(read_text("_format_version: 3\n").errors), HasSubstr("expected \"3.0\""));
  EXPECT_THAT(lines_of(read_text("services: []\n").errors),
              HasSubstr("kong.yaml:1: _format_version: is required"));
  EXPECT_THAT(lines_of(read_text("").errors), HasSubstr("got nothing"));
}

struct WarningCase {
  std::string_view name;
  std::string text;
  std::string says;
};

class Warnings : public testing::TestWithParam<WarningCase> {};

TEST_P(Warnings, AreNoErrors) {
  EXPECT_THAT(warnings_of(GetParam().text), HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    OfFiles, Warnings,
    testing::Values(
        WarningCase{"unused_service", "services: [{host: x}]\n", "no route leads to this service"},
        WarningCase{"unused_upstream", "upstreams: [{name: u}]\n", "no service has this upstream"},
        WarningCase{"upstream_without_weight",
                    "upstreams: [{name: u, targets: [{target: a, weight: "
                    "0}]}]\n",
                    "every request is answered 503"},
        WarningCase{"target_with_an_upstreams_name",
                    "upstreams: [{name: u, targets: [{target: u}]}]\n", "resolved by DNS"},
        WarningCase{"twins",
                    "services:\n- host: x\n  routes:\n  - {paths: [/a, /b], hosts: [h.example]}\n"
                    "  - {paths: [/b], hosts: [h.example, other.example]}\n",
                    "kong.yaml:6: services[0].routes[1]: never gets h.example/b: "
                    "services[0].routes[0], in line 5, asks for the same and goes before it"},
        WarningCase{"older_twin",
                    "services:\n- host: x\n  routes:\n  - {paths: [/a], created_at: 2}\n"
                    "  - {paths: [/a], created_at: 1}\n",
                    "kong.yaml:5: services[0].routes[0]: never gets /a"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Warnings, OfRoutesWithDifferentCriteriaThereAreNone) {
  EXPECT_EQ(warnings_of(R"(
services:
- host: x
  routes:
  - {paths: [/a, /a]}
  - {paths: [/a], methods: [GET]}
  - {paths: [/a], hosts: ["*.example"]}
  - {paths: [/a], hosts: [a.example], headers: {x-b: [c]}}
- host: y
  enabled: false
  routes: [{paths: [/a]}]
)"),
            "");
}

}  // namespace
}  // namespace sinew::gateway
