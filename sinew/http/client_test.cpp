#include "sinew/http/client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "sinew/async/scope.hpp"
#include "sinew/base/trace.hpp"
#include "sinew/http/test_world.hpp"
#include "tests/support/for_seeds.hpp"

namespace sinew::http {
namespace {

using namespace std::chrono_literals;
using sinew::tests::for_seeds;
using test::ServerWorld;
using testing::HasSubstr;
using testing::StartsWith;

struct Sum {
  int value = 0;
};
BOOST_DESCRIBE_STRUCT(Sum, (), (value))

struct Operands {
  int left = 0;
  int right = 0;
};
BOOST_DESCRIBE_STRUCT(Operands, (), (left, right))

Task<Sum> add(const Operands& operands) { co_return Sum{operands.left + operands.right}; }
Task<Response> large(const Request&) { co_return ok(std::string(100'000, 'x'), "text/plain"); }
Task<Response> slow(const Request&) {
  co_await async::sleep_for(1s);
  co_return ok("late", "text/plain");
}
Task<Response> echo(const Request& request) {
  co_return ok(std::string(request.headers.get("traceparent")) + "|" +
                   std::string(request.headers.get("Host")) + "|" + request.body,
               "text/plain");
}
Task<Response> refuse(const Request&) { throw Error(Condition::conflict, "version 7 is taken"); }

Router test_router() {
  Router router;
  router.route(Method::post, "/add", add)
      .route(Method::get, "/large", large)
      .route(Method::get, "/slow", slow)
      .route(Method::post, "/echo", echo)
      .route(Method::get, "/refuse", refuse);
  return router;
}

struct ClientWorld : ServerWorld {
  explicit ClientWorld(ClientOptions options = {}, ServerOptions server_options = {},
                       std::uint64_t seed = 1)
      : ServerWorld(test_router(), server_options, seed), client(client_node, resolver, options) {}

  Response get(std::string_view path) { return run(client.send({.url = url(path)})); }

  Client client;
};

// What an Error says, or "none".
template <class F>
std::string failure_of(F function) {
  try {
    function();
  } catch (const Error& error) {
    return std::string(to_string(error.condition())) + ", applied " +
           std::string(to_string(error.applied()));
  }
  return "none";
}

TEST(Client, SendsAndReadsStructs) {
  for_seeds(20, [](std::uint64_t seed) {
    ClientWorld world({}, {}, seed);

    const auto sum =
        world.run(world.client.post<Sum>(world.url("/add"), Operands{.left = 2, .right = 3}));

    EXPECT_EQ(sum.value, 5);
    EXPECT_EQ(world.get("/large").body.size(), 100'000U);
  });
}

TEST(Client, TurnsARefusalIntoItsError) {
  ClientWorld world;

  EXPECT_EQ(failure_of([&] { world.run(world.client.get<Sum>(world.url("/refuse"))); }),
            "conflict, applied no");
  EXPECT_EQ(world.get("/refuse").status, 409);
  EXPECT_EQ(failure_of([&] { world.run(world.client.get<Sum>(world.url("/slow"))); }),
            "corrupt, applied unknown");
}

TEST(Client, PassesTheTraceOnWithASpanOfItsOwn) {
  ClientWorld world;
  const TraceContext trace = TraceContext::start(1, 2, 3, true);
  const auto send = [&]() -> Task<Response> {
    co_return co_await async::with_trace(
        trace, world.client.send({.method = Method::post, .url = world.url("/echo"), .body = "b"}));
  };

  const Response response = world.run(send());

  EXPECT_THAT(response.body, StartsWith("00-" + trace_id_text(trace) + "-"));
  EXPECT_THAT(response.body, testing::Not(HasSubstr(span_id_text(trace))));
  EXPECT_TRUE(
      response.body.ends_with("|127.0.0.1:" + std::to_string(world.server->local().port) + "|b"));
}

TEST(Client, UsesAConnectionAgainUntilItIsOld) {
  ClientWorld world;

  for (int i = 0; i < 5; ++i)
    world.get("/large");
  EXPECT_EQ(world.client.connections(), 1U);
  EXPECT_EQ(world.server->connections(), 1U);

  world.world.run_for(31s);
  EXPECT_EQ(world.client.connections(), 0U);
  world.world.run_for(1s);
  EXPECT_EQ(world.server->connections(), 0U);
}

TEST(Client, NoticesThatTheServerHasClosed) {
  ClientWorld world({}, {.idle_timeout = 5s});
  world.get("/large");
  world.world.run_for(10s);

  EXPECT_EQ(world.run(world.client.post<Sum>(world.url("/add"), Operands{1, 1})).value, 2);
}

TEST(Client, KeepsWithinItsConnectionsAndServesTheOthersInTurn) {
  for_seeds(20, [](std::uint64_t seed) {
    ClientWorld world({.max_connections_per_origin = 2}, {}, seed);
    async::Scope scope(world.client_node);
    int answered = 0;
    const auto send = [&]() -> Task<void> {
      const Response response = co_await world.client.send({.url = world.url("/slow")});
      answered += response.body == "late" ? 1 : 0;
      EXPECT_LE(world.client.connections(), 2U);
    };
    for (int i = 0; i < 6; ++i)
      scope.spawn(send());

    world.world.run_for(5s);

    EXPECT_EQ(answered, 6);
    EXPECT_EQ(scope.size(), 0U);
  });
}

TEST(Client, RefusesMoreWaitersThanItsBound) {
  ClientWorld world({.max_connections_per_origin = 1, .max_waiting_per_origin = 1});
  async::Scope scope(world.client_node);
  std::vector<std::string> failures;
  const auto send = [&]() -> Task<void> {
    try {
      co_await world.client.send({.url = world.url("/slow")});
    } catch (const Error& error) {
      failures.emplace_back(to_string(error.condition()));
    }
  };
  for (int i = 0; i < 3; ++i)
    scope.spawn(send());
  world.world.run_for(10s);

  EXPECT_EQ(failures, std::vector<std::string>{"exhausted"});
}

TEST(Client, RefusesWhatItCannotSend) {
  ClientWorld world;
  const auto failure = [&](ClientRequest request) {
    return failure_of([&] { world.run(world.client.send(std::move(request))); });
  };

  EXPECT_EQ(failure({.url = "/no/host"}), "invalid_input, applied no");
  EXPECT_EQ(failure({.url = "https://h/"}), "unsupported, applied no");
  EXPECT_EQ(failure({.url = "http://unknown.example/"}), "not_found, applied no");
  EXPECT_EQ(failure({.url = world.url("/"), .headers = {{"A", "b\r\nC: d"}}}),
            "invalid_input, applied no");
  EXPECT_EQ(failure({.url = "http://127.0.0.1:1/"}), "unavailable, applied no");
}

TEST(Client, TriesTheNextAddressOfAName) {
  test::World simulated(1);
  test::Node& server_node = simulated.add_node("server");
  test::Node& client_node = simulated.add_node("client");
  Server server(server_node, test_router());
  server.start({"127.0.0.2", 8080});
  net::FixedResolver resolver({{"shop.example", {"127.0.0.1", "127.0.0.2"}}});
  Client client(client_node, resolver);

  const Response response = client_node.run(
      client.send({.method = Method::post, .url = "http://shop.example:8080/echo"}));

  EXPECT_EQ(response.body, "|shop.example:8080|");
}

// A server that follows a script: for each connection the answers to its requests, then it closes.
class ScriptedWorld {
 public:
  using Answers = std::vector<std::string>;

  explicit ScriptedWorld(std::vector<Answers> script, ClientOptions options = {},
                         std::uint64_t seed = 1)
      : world(seed),
        server_node(world.add_node("server")),
        client_node(world.add_node("client")),
        client(client_node, resolver, options),
        listener(server_node.listen({})),
        scope(server_node) {
    scope.spawn(serve(std::move(script)));
  }

  std::string send(ClientRequest request) {
    request.url = "http://" + async::to_string(listener->local()) + "/";
    try {
      return client_node.run(client.send(std::move(request))).body;
    } catch (const Error& error) {
      return std::string(to_string(error.condition())) + ", applied " +
             std::string(to_string(error.applied()));
    }
  }

  test::World world;
  test::Node& server_node;
  test::Node& client_node;
  net::FixedResolver resolver;
  Client client;
  std::unique_ptr<async::Listener> listener;
  async::Scope scope;
  std::vector<std::string> requests;

 private:
  Task<void> serve(std::vector<Answers> script) {
    for (const Answers& answers : script) {
      auto stream = co_await listener->accept();
      for (const std::string& answer : answers) {
        requests.push_back(co_await test::read_until(*stream, "\r\n\r\n"));
        co_await async::write_all(*stream, std::as_bytes(std::span(answer)));
      }
      stream->shutdown_write();
      open_.push_back(std::move(stream));
    }
  }

  std::vector<std::unique_ptr<async::Stream>> open_;
};

const std::string kOne = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none";
const std::string kTwo = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo";

TEST(Client, RepeatsOnlyWhatIsSafeWhenAUsedConnectionWasClosed) {
  // The first connection takes a second request and closes without a byte.
  const std::vector<ScriptedWorld::Answers> script = {{kOne, ""}, {kTwo}};
  for_seeds(20, [&](std::uint64_t seed) {
    ScriptedWorld idempotent(script, {}, seed);
    EXPECT_EQ(idempotent.send({}), "one");
    EXPECT_EQ(idempotent.send({}), "two");
    EXPECT_EQ(idempotent.requests.size(), 3U);

    ScriptedWorld not_so(script, {}, seed);
    EXPECT_EQ(not_so.send({}), "one");
    EXPECT_EQ(not_so.send({.method = Method::post}), "unavailable, applied unknown");
    EXPECT_EQ(not_so.requests.size(), 2U);

    ScriptedWorld keyed(script, {}, seed);
    EXPECT_EQ(keyed.send({}), "one");
    EXPECT_EQ(keyed.send({.method = Method::post, .idempotent = true}), "two");
  });
}

TEST(Client, DoesNotRepeatWhatFailedOnANewConnection) {
  ScriptedWorld world({{""}, {kTwo}});

  EXPECT_EQ(world.send({}), "unavailable, applied unknown");
  EXPECT_EQ(world.requests.size(), 1U);
}

TEST(Client, DoesNotRepeatOnceAnAnswerHasBegun) {
  ScriptedWorld world({{kOne, "HTTP/1.1 2"}, {kTwo}});

  EXPECT_EQ(world.send({}), "one");
  EXPECT_EQ(world.send({}), "unavailable, applied unknown");
}

TEST(Client, RefusesAnswersThatAreNotStrictOrTooLarge) {
  const std::string cases[] = {
      "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\none",
      "HTTP/1.1 200 OK\nContent-Length: 3\r\n\r\none",
      "HTTP/1.1 101 Switching Protocols\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n01234567890",
      "HTTP/1.1 200 OK\r\n\r\n01234567890",
  };
  for (const std::string& answer : cases) {
    ScriptedWorld world({{answer}}, {.max_body_bytes = 10});
    EXPECT_EQ(world.send({}), "corrupt, applied unknown") << answer;
  }
}

TEST(Client, TakesAnAnswerThatEndsWithTheConnection) {
  ScriptedWorld world({{"HTTP/1.0 200 OK\r\n\r\nall of it"}});

  EXPECT_EQ(world.send({}), "all of it");
  EXPECT_EQ(world.client.connections(), 0U);
}

TEST(Client, GivesUpAtTheDeadline) {
  ClientWorld world({.request_timeout = 500ms});
  const Instant began = world.world.now();

  EXPECT_EQ(failure_of([&] { world.get("/slow"); }), "timeout, applied unknown");
  EXPECT_LT(world.world.now() - began, 600ms);
  EXPECT_EQ(world.client.connections(), 0U);
}

TEST(Client, TheTasksOwnDeadlineCountsWhenEarlier) {
  ClientWorld world;
  const auto send = [&]() -> Task<Response> {
    co_return co_await async::with_deadline(world.world.now() + 100ms,
                                            world.client.send({.url = world.url("/slow")}));
  };

  EXPECT_EQ(failure_of([&] { world.run(send()); }), "timeout, applied unknown");
}

TEST(Client, ReadsTheAnswerThatComesBeforeItsBodyWasTaken) {
  ClientWorld world({}, {.max_body_bytes = 100});

  const Response response = world.run(world.client.send(
      {.method = Method::post, .url = world.url("/echo"), .body = std::string(200'000, 'x')}));

  EXPECT_EQ(response.status, 413);
}

TEST(Client, LosesNoConnectionWhenTheNetworkBreaks) {
  for_seeds(50, [](std::uint64_t seed) {
    ClientWorld world({.max_connections_per_origin = 3}, {}, seed);
    async::Scope scope(world.client_node);
    int ended = 0;
    const auto send = [&]() -> Task<void> {
      try {
        co_await world.client.send({.url = world.url("/large")});
      } catch (const Error&) {
      }
      ++ended;
    };
    world.world.network().options().reset = 0.05;
    for (int i = 0; i < 12; ++i)
      scope.spawn(send());
    world.world.run_for(40s);
    world.world.heal();
    world.world.run_for(65s);

    EXPECT_EQ(ended, 12);
    EXPECT_EQ(world.client.connections(), 0U);
    EXPECT_EQ(world.server->connections(), 0U);
    EXPECT_EQ(world.get("/large").body.size(), 100'000U);
  });
}

// Cancelled, or dropped, while they connect, wait for a connection, send, read, or not begun yet.
TEST(Client, LosesNoConnectionWhenItsCallersGoAway) {
  for_seeds(100, [](std::uint64_t seed) {
    ClientWorld world({.max_connections_per_origin = 2}, {}, seed);
    const auto send = [&]() -> Task<void> {
      co_await world.client.send(
          {.method = Method::post, .url = world.url("/echo"), .body = std::string(90'000, 'x')});
    };
    for (int round = 0; round < 10; ++round) {
      async::Scope scope(world.client_node);
      for (int i = 0; i < 5; ++i)
        scope.spawn(send());
      world.world.run_for(std::chrono::microseconds(world.world.random().below(8'000)));
      if (round % 2 == 0) continue;
      scope.cancel();
      world.run(scope.join());
    }

    EXPECT_LE(world.client.connections(), 2U);
    EXPECT_EQ(world.get("/large").status, 200);
    world.world.run_for(65s);
    EXPECT_EQ(world.client.connections(), 0U);
    EXPECT_EQ(world.server->connections(), 0U);
  });
}

}  // namespace
}  // namespace sinew::http
