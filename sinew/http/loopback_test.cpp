// The same server and client on the machine's own sockets.

#include <gtest/gtest.h>

#include <string>

#include "sinew/async/offload_pool.hpp"
#include "sinew/async/reactor.hpp"
#include "sinew/async/scope.hpp"
#include "sinew/http/client.hpp"
#include "sinew/http/server.hpp"
#include "sinew/net/resolver.hpp"

namespace sinew::http {
namespace {

using namespace std::chrono_literals;

Task<Response> echo(const Request& request) {
  co_return ok(request.body, "application/octet-stream");
}

class Loopback : public testing::Test {
 protected:
  Loopback() {
    server_.start();
    url_ = "http://localhost:" + std::to_string(server_.local().port) + "/echo";
  }
  // A test that fails by an exception leaves no connection for the reactor's end.
  ~Loopback() override { reactor_.run(server_.drain(1s)); }

  static Router router() {
    Router router;
    router.route(Method::post, "/echo", echo);
    return router;
  }

  async::OffloadPools pools_;
  async::Reactor reactor_{pools_};
  net::FixedResolver resolver_;
  Server server_{reactor_, router(), {.max_body_bytes = 8U << 20U}};
  Client client_{reactor_, resolver_, {.max_connections_per_origin = 8}};
  std::string url_;
};

TEST_F(Loopback, CarriesLargeBodiesBothWays) {
  std::string body(3'000'000, ' ');
  for (std::size_t i = 0; i < body.size(); ++i)
    body[i] = static_cast<char>(i * 31 / 7);

  const Response response =
      reactor_.run(client_.send({.method = Method::post, .url = url_, .body = body}));

  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(response.body == body);
}

Task<void> send_all(Client& client, std::string url, int requests, int& answered) {
  async::Scope scope(co_await async::this_context());
  const auto send = [&](int number) -> Task<void> {
    const std::string text = std::to_string(number);
    const Response response =
        co_await client.send({.method = Method::post, .url = url, .body = text});
    answered += response.body == text ? 1 : 0;
  };
  for (int i = 0; i < requests; ++i)
    scope.spawn(send(i));
  co_await scope.join();
}

TEST_F(Loopback, ServesManyOnAFewConnections) {
  int answered = 0;

  reactor_.run(send_all(client_, url_, 500, answered));

  EXPECT_EQ(answered, 500);
  EXPECT_LE(client_.connections(), 8U);
  EXPECT_LE(server_.connections(), 8U);
}

// Many times, as the answer races with the reset that the rest of the body meets.
TEST_F(Loopback, AnOversizedRequestHearsThatItIs) {
  const std::string body(16U << 20U, 'x');

  for (int i = 0; i < 5; ++i) {
    const Response response =
        reactor_.run(client_.send({.method = Method::post, .url = url_, .body = body}));
    EXPECT_EQ(response.status, 413);
  }
  EXPECT_EQ(client_.connections(), 0U) << "half a request stands in each";
}

TEST_F(Loopback, DrainEndsWhatIsIdle) {
  reactor_.run(client_.send({.method = Method::post, .url = url_}));
  ASSERT_EQ(server_.connections(), 1U);

  reactor_.run(server_.drain(10s));

  EXPECT_EQ(server_.connections(), 0U);
  EXPECT_THROW(reactor_.run(client_.send({.method = Method::post, .url = url_})), Error);
}

}  // namespace
}  // namespace sinew::http
