#include "sinew/gateway/compile/tls_contexts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "sinew/gateway/compile/snapshot_compiler.hpp"
#include "sinew/gateway/test_configuration.hpp"
#include "sinew/tls/test_connection.hpp"

namespace sinew::gateway {
namespace {

using testing::HasSubstr;
using tls::test::Connection;
using tls::test::Issue;
using tls::test::Pem;

constexpr Timestamp kNow{std::chrono::seconds(1'800'000'000)};

// The texts that `env:` names refer to.
using Variables = std::map<std::string, std::string>;

class CompiledTls : public testing::Test {
 protected:
  // Gives the names of a certificate and its key: `sinew: {cert: env:A, key: env:A_KEY}`.
  std::string identity(const std::string& name, const Issue& issue) {
    const Pem pem = tls::test::authority().issue(issue);
    variables_[name] = pem.certificate;
    variables_[name + "_KEY"] = pem.key;
    return "sinew: {cert: env:" + name + ", key: env:" + name + "_KEY}";
  }

  Compilation compile(const std::string& text, const std::string& conf) {
    const auto environment = [this](const std::string& name) {
      const auto found = variables_.find(name);
      return found == variables_.end() ? std::nullopt : std::optional(found->second);
    };
    auto file = read_configuration(kHeading + text, "kong.yaml", environment);
    EXPECT_EQ(lines_of(file.errors), "");
    auto process = read_process_settings(conf, "kong.conf", environment);
    EXPECT_EQ(lines_of(process.errors), "");
    return compiler_.compile(file.configuration.value(), process.settings.value(), kNow);
  }

  std::string subject_for(const Compilation& made, std::string_view name) {
    const auto* shown = made.snapshot->tls->certificate_for(name);
    return shown == nullptr ? "refused" : shown->details().subject;
  }

  Variables variables_;
  SnapshotCompiler compiler_;
};

const std::string kListen = "proxy_listen = 0.0.0.0:1 ssl\n";

TEST_F(CompiledTls, ShowsTheCertificateOfTheNameThatIsAskedFor) {
  const auto made =
      compile("certificates:\n- " + identity("A", {.common_name = "a"}) +
                  "\n  snis: [{name: a.example}, {name: \"*.w.example\"}]\n- " +
                  identity("B", {.common_name = "b"}) + "\n  snis: [{name: b.example}]\n",
              kListen);

  ASSERT_TRUE(made.snapshot) << lines_of(made.errors);
  EXPECT_EQ(subject_for(made, "a.example"), "CN=a");
  EXPECT_EQ(subject_for(made, "x.w.example"), "CN=a");
  EXPECT_EQ(subject_for(made, "b.example"), "CN=b");
  EXPECT_EQ(subject_for(made, "c.example"), "CN=localhost");
  EXPECT_THAT(lines_of(made.warnings), HasSubstr("ssl_cert: is not set"));
}

TEST_F(CompiledTls, ShowsTheCertificateOfTheStarToAllOthers) {
  const auto made = compile(
      "certificates:\n- " + identity("A", {.common_name = "a"}) + "\n  snis: [{name: \"*\"}]\n- " +
          identity("B", {.common_name = "b"}) + "\n  snis: [{name: b.example}]\n",
      kListen);

  ASSERT_TRUE(made.snapshot) << lines_of(made.errors);
  EXPECT_EQ(subject_for(made, "c.example"), "CN=a");
  EXPECT_EQ(subject_for(made, "b.example"), "CN=b");
}

TEST_F(CompiledTls, KeepsTheCertificateThatItMadeOverReloads) {
  const auto first = compile("", kListen);
  const auto second = compile("", kListen);

  EXPECT_EQ(first.snapshot->tls->certificate_for("")->details().fingerprint,
            second.snapshot->tls->certificate_for("")->details().fingerprint);
}

TEST_F(CompiledTls, ReadsTheFilesOfKongConf) {
  const auto folder = std::filesystem::path(testing::TempDir());
  const Pem pem = tls::test::authority().issue({.common_name = "default"});
  std::ofstream(folder / "front.crt") << pem.certificate;
  std::ofstream(folder / "front.key") << pem.key;
  const std::string files = "ssl_cert = " + (folder / "front.crt").string() +
                            "\nssl_cert_key = " + (folder / "front.key").string() + "\n";

  const auto made = compile("", kListen + files);

  ASSERT_TRUE(made.snapshot) << lines_of(made.errors);
  EXPECT_EQ(subject_for(made, "any.example"), "CN=default");
  EXPECT_EQ(lines_of(made.warnings), "");
}

TEST_F(CompiledTls, SaysAllThatIsWrongWithCertificatesByTheirLines) {
  const auto made =
      compile("certificates:\n- " +
                  identity("A", {.common_name = "weak", .key = tls::test::KeyKind::weak_rsa}) +
                  "\n  snis: [{name: a.example}]\n- " +
                  identity("B", {.common_name = "weaker", .key = tls::test::KeyKind::weak_rsa}) +
                  "\n  snis: [{name: b.example}]\n",
              kListen + "ssl_cert = /nowhere/a.crt\nssl_cert_key = /nowhere/a.key\n");

  EXPECT_FALSE(made.snapshot);
  const auto errors = lines_of(made.errors);
  EXPECT_THAT(errors, HasSubstr("kong.yaml:3: "));
  EXPECT_THAT(errors, HasSubstr("kong.yaml:5: "));
  EXPECT_THAT(errors, HasSubstr("/nowhere/a.crt"));
}

TEST_F(CompiledTls, WarnsOfCertificatesThatExpire) {
  const auto made = compile("certificates:\n- " +
                                identity("A", {.common_name = "old", .not_after = 1'700'000'000}) +
                                "\n  snis: [{name: a.example}]\n",
                            kListen);

  EXPECT_THAT(lines_of(made.warnings), HasSubstr("kong.yaml:3: "));
  EXPECT_THAT(lines_of(made.warnings), HasSubstr("expired"));
}

constexpr const char* kAuthority = "0d5e4bb1-5a5e-4b0a-a5e1-000000000001";
constexpr const char* kOwn = "0d5e4bb1-5a5e-4b0a-a5e1-000000000002";

class CompiledTlsTowardsServices : public CompiledTls {
 protected:
  CompiledTlsTowardsServices() { variables_["CA"] = tls::test::authority().pem(); }

  std::string service(const std::string& settings) const {
    return "services: [{name: s, url: \"https://a.test\", " + settings +
           ", routes: [{paths: [/]}]}]\nca_certificates: [{id: " + kAuthority +
           ", sinew: {cert: env:CA}}]\n";
  }

  // How the handshake with a server of this certificate ends for the proxy.
  std::error_code meets(const Compilation& made, const Issue& issue,
                        tls::ServerOptions options = {}) {
    options.identities.push_back({tls::test::authority().certificate(issue)});
    Connection connection;
    connection.begin(tls::test::serve(std::move(options)),
                     made.snapshot->routes.at(0).transport.tls, {"a.test"});
    connection.shake_hands();
    return connection.client_error ? connection.client_error : connection.server_error;
  }
};

TEST_F(CompiledTlsTowardsServices, VerifiesByTheAuthoritiesOfTheService) {
  const auto made =
      compile(service(std::string("tls_verify: true, ca_certificates: [") + kAuthority + "]"), "");

  ASSERT_TRUE(made.snapshot) << lines_of(made.errors);
  EXPECT_FALSE(meets(made, {.names = "DNS:a.test"}));
  EXPECT_TRUE(meets(made, {.names = "DNS:b.test"}));
}

TEST_F(CompiledTlsTowardsServices, TrustsTheSystemsAuthoritiesOtherwise) {
  const auto made = compile(service("tls_verify: true"), "");

  EXPECT_TRUE(meets(made, {.names = "DNS:a.test"}));
}

TEST_F(CompiledTlsTowardsServices, VerifiesNothingUnlessAskedAndSaysSo) {
  const auto made = compile(service("tags: []"), "");

  EXPECT_FALSE(meets(made, {.names = "DNS:b.test"}));
  EXPECT_THAT(lines_of(made.warnings), HasSubstr("service s: tls_verify is not true"));
}

TEST_F(CompiledTlsTowardsServices, ShowsTheServicesCertificateToThoseWhoAsk) {
  const auto shown = identity("OWN", {.common_name = "gateway"});
  const auto made = compile(service(std::string("client_certificate: ") + kOwn) +
                                "certificates: [{id: " + kOwn + ", " + shown + "}]\n",
                            "");
  tls::ServerOptions asking;
  asking.client_certificates = tls::ClientCertificates::required;
  asking.client_authorities = tls::test::authority().pem();

  EXPECT_FALSE(meets(made, {.names = "DNS:a.test"}, asking));
  EXPECT_TRUE(meets(compile(service("tags: []"), ""), {.names = "DNS:a.test"}, asking));
}

TEST_F(CompiledTlsTowardsServices, KeepsItsContextWhileItsSettingsStay) {
  const auto first = compile(service("tls_verify: true"), "");
  const auto second = compile(service("tls_verify: true, retries: 1"), "");
  const auto third = compile(service("tls_verify: true, tls_verify_depth: 1"), "");

  const auto context = [](const Compilation& made) {
    return made.snapshot->routes.at(0).transport.tls;
  };
  EXPECT_EQ(context(first), context(second));
  EXPECT_NE(context(first), context(third));
}

TEST_F(CompiledTlsTowardsServices, AsksClientsForCertificatesWhereTheListenerSays) {
  const auto made = compile(service("tags: []") + "sinew: {listeners: [{address: \"0.0.0.0:2\", " +
                                "client_certificates: {ca_certificates: [" + kAuthority + "]}}]}\n",
                            "proxy_listen = 0.0.0.0:1 ssl, 0.0.0.0:2 ssl\n");

  ASSERT_TRUE(made.snapshot) << lines_of(made.errors);
  const auto meet = [&](std::size_t listener) {
    tls::ClientOptions calling;
    calling.verify = false;
    Connection connection;
    connection.begin(made.snapshot->listeners[listener].tls_context,
                     *tls::ClientContext::make(std::move(calling)), {"a.test"});
    connection.shake_hands();
    return connection.server_error;
  };
  EXPECT_FALSE(meet(0));
  EXPECT_TRUE(meet(1));
}

TEST_F(CompiledTlsTowardsServices, RefusesWhatFitsNowhere) {
  const auto errors = errors_of(
      "services:\n"
      "- {name: a, host: a, tls_verify: true, routes: [{paths: [/a]}]}\n"
      "- {name: b, protocol: https, host: b, tls_verify_depth: 1, routes: [{paths: [/b]}]}\n"
      "- {name: c, protocol: https, host: c, client_certificate: none, routes: [{paths: [/c]}]}\n"
      "- {name: d, protocol: https, host: d, tls_verify: true, ca_certificates: [none]}\n"
      "ca_certificates: [{cert: \"-----BEGIN CERTIFICATE-----\\n-----END CERTIFICATE-----\"}]\n");

  EXPECT_THAT(errors, HasSubstr("kong.yaml:3: services[0]: tls_verify, tls_verify_depth"));
  EXPECT_THAT(errors, HasSubstr("kong.yaml:4: services[1]: tls_verify_depth and ca_certificates"));
  EXPECT_THAT(errors, HasSubstr("kong.yaml:5: services[2].certificate: there is no certificate"));
  EXPECT_THAT(errors, HasSubstr("kong.yaml:6: services[3].ca_certificate: there is no"));
  EXPECT_THAT(errors, HasSubstr("kong.yaml:7: ca_certificates[0].cert: "));
}

}  // namespace
}  // namespace sinew::gateway
