#include "sinew/tls/client_sessions.hpp"

#include <gtest/gtest.h>

#include "sinew/tls/test_connection.hpp"

namespace sinew::tls {
namespace {

using namespace test;

ServerOptions with_tickets(const std::shared_ptr<const TicketKeys>& keys) {
  ServerOptions options;
  options.ticket_keys = keys;
  return options;
}

ServerOptions of_tls_1_2(ServerOptions options) {
  options.settings.maximum = Version::tls_1_2;
  return options;
}

// One connection of a client with these sessions; whether it resumed one.
bool resumes(const std::shared_ptr<const ServerContext>& served,
             const std::shared_ptr<const ClientContext>& called, ClientSessions& sessions,
             const Target& target = {"orders.test"}) {
  Connection connection;
  connection.begin(served, called, target, &sessions);
  connection.shake_hands();
  EXPECT_FALSE(connection.client_error) << connection.client->failure();
  EXPECT_FALSE(connection.server_error) << connection.server->failure();
  EXPECT_FALSE(connection.exchange());
  EXPECT_EQ(connection.client->resumed(), connection.server->resumed());
  return connection.client->resumed();
}

TEST(ClientSessions, TheSecondConnectionResumes) {
  const auto keys = std::make_shared<TicketKeys>();
  const auto client = call();
  for (const auto& options : {with_tickets(keys), of_tls_1_2(with_tickets(keys))}) {
    const auto server = serve(options);
    ClientSessions sessions;

    EXPECT_FALSE(resumes(server, client, sessions));
    EXPECT_TRUE(resumes(server, client, sessions));
    EXPECT_TRUE(resumes(server, client, sessions));
  }
}

TEST(ClientSessions, NothingIsResumedWithoutTicketKeys) {
  const auto client = call();
  for (const auto& options : {ServerOptions{}, of_tls_1_2({})}) {
    const auto server = serve(options);
    ClientSessions sessions;

    EXPECT_FALSE(resumes(server, client, sessions));
    EXPECT_FALSE(resumes(server, client, sessions));
    EXPECT_EQ(sessions.size(), 0);
  }
}

TEST(ClientSessions, AnotherContextWithTheSameKeysResumes) {
  const auto keys = std::make_shared<TicketKeys>();
  const auto client = call();
  ClientSessions sessions;
  resumes(serve(with_tickets(keys)), client, sessions);

  EXPECT_TRUE(resumes(serve(with_tickets(keys)), client, sessions));  // after a reload
  EXPECT_FALSE(resumes(serve(with_tickets(std::make_shared<TicketKeys>())), client, sessions));
}

TEST(ClientSessions, OlderKeysOpenUntilTheyLeave) {
  const auto keys = std::make_shared<TicketKeys>();
  const auto server = serve(with_tickets(keys));
  const auto client = call();
  ClientSessions sessions;
  resumes(server, client, sessions);

  for (std::size_t i = 1; i < TicketKeys::kept; ++i)
    keys->rotate();
  EXPECT_TRUE(resumes(server, client, sessions));  // ...and is given a ticket under the newest key

  keys->rotate();
  EXPECT_TRUE(resumes(server, client, sessions));

  for (std::size_t i = 0; i < TicketKeys::kept; ++i)
    keys->rotate();
  EXPECT_FALSE(resumes(server, client, sessions));
}

TEST(ClientSessions, ProcessesThatShareAKeyResumeEachOthersSessions) {
  const auto one = std::make_shared<TicketKeys>();
  const auto other = std::make_shared<TicketKeys>();
  other->add(one->newest());
  const auto client = call();
  ClientSessions sessions;
  resumes(serve(with_tickets(one)), client, sessions);

  EXPECT_TRUE(resumes(serve(with_tickets(other)), client, sessions));
}

TEST(ClientSessions, AreOfOneNameAndOneContext) {
  const auto keys = std::make_shared<TicketKeys>();
  ServerOptions options = with_tickets(keys);
  options.identities.push_back(
      {authority().certificate({.names = "DNS:orders.test,DNS:other.test"})});
  const auto server = serve(options);
  const auto client = call();
  ClientSessions sessions;
  resumes(server, client, sessions);

  EXPECT_FALSE(resumes(server, client, sessions, {"other.test"}));
  EXPECT_FALSE(resumes(server, call(), sessions));  // which may trust others
}

TEST(ClientSessions, ATicketOfAnotherWayToAskForCertificatesIsOfNoUse) {
  const auto keys = std::make_shared<TicketKeys>();
  const auto client = call();
  ClientSessions sessions;
  resumes(serve(with_tickets(keys)), client, sessions);
  ServerOptions asking = with_tickets(keys);
  asking.client_certificates = ClientCertificates::optional;
  asking.client_authorities = authority().pem();

  EXPECT_FALSE(resumes(serve(asking), client, sessions));
}

TEST(ClientSessions, AResumedClientIsKnownByItsCertificate) {
  ServerOptions asking = with_tickets(std::make_shared<TicketKeys>());
  asking.client_certificates = ClientCertificates::required;
  asking.client_authorities = authority().pem();
  const auto server = serve(asking);
  const auto client = call({.certificate = authority().certificate({.common_name = "orders"})});
  ClientSessions sessions;
  resumes(server, client, sessions);
  Connection connection;
  connection.begin(server, client, {"orders.test"}, &sessions);

  connection.shake_hands();

  EXPECT_TRUE(connection.server->resumed());
  ASSERT_TRUE(connection.server->peer_certificate());
  EXPECT_EQ(connection.server->peer_certificate()->subject, "CN=orders");
}

TEST(ClientSessions, ForgetTheServerThatWasNotMetForLongest) {
  const auto server = serve(with_tickets(std::make_shared<TicketKeys>()));
  const auto client = value_of(ClientContext::make({.verify = false}));
  ClientSessions sessions(2);
  for (const char* name : {"a.test", "b.test"})
    resumes(server, client, sessions, {name});
  EXPECT_TRUE(resumes(server, client, sessions, {"a.test"}));

  resumes(server, client, sessions, {"c.test"});

  EXPECT_LE(sessions.size(), 2 * ClientSessions::kept_per_server);
  EXPECT_TRUE(resumes(server, client, sessions, {"a.test"}));
  EXPECT_FALSE(resumes(server, client, sessions, {"b.test"}));
}

}  // namespace
}  // namespace sinew::tls
