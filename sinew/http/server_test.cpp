#include "sinew/http/server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "sinew/async/scope.hpp"
#include "sinew/base/described.hpp"
#include "sinew/base/trace.hpp"
#include "sinew/http/problem.hpp"
#include "sinew/http/test_world.hpp"
#include "tests/support/for_seeds.hpp"

namespace sinew::http {
namespace {

using namespace std::chrono_literals;
using sinew::tests::for_seeds;
using test::ServerWorld;
using testing::HasSubstr;
using testing::StartsWith;

struct Line {
  std::string product;
  int quantity = 0;
};
BOOST_DESCRIBE_STRUCT(Line, (), (product, quantity))

struct Placed {
  int lines = 0;
};
BOOST_DESCRIBE_STRUCT(Placed, (), (lines))

struct Place {
  std::vector<Line> lines;
};
BOOST_DESCRIBE_STRUCT(Place, (), (lines))

Task<Response> hello(const Request& request) {
  co_return ok("hello " + request.path_parameter<std::string>("name"), "text/plain");
}
Task<Response> echo(const Request& request) { co_return ok(request.body, "text/plain"); }
Task<Placed> place(const Place& command) {
  co_return Placed{static_cast<int>(command.lines.size())};
}
Task<Response> place_at(const Request& request, Place command) {
  co_return created("/orders/" + request.path_parameter<std::string>("id"),
                    Placed{static_cast<int>(command.lines.size())});
}
Task<void> remove(const Request&) { co_return; }
Task<Response> slow(const Request& request) {
  co_await async::sleep_for(std::chrono::seconds(request.query_parameter<int>("s").value_or(1)));
  co_return ok("late", "text/plain");
}
Task<Response> fail(const Request& request) {
  const auto condition = request.path_parameter<int>("condition");
  if (condition == 0) throw std::runtime_error("a secret");
  if (condition == 100) throw condition;  // no exception of any kind
  throw Error(static_cast<Condition>(condition), "why it failed");
}
Task<Response> inject(const Request&) { co_return ok("x", "text/plain\r\nX: y"); }
Task<Response> trace(const Request&) {
  const TraceContext* context = (co_await async::this_context()).trace;
  co_return ok(trace_id_text(*context), "text/plain");
}

Router test_router() {
  Router router;
  router.route(Method::get, "/hello/{name}", hello)
      .route(Method::post, "/echo", echo)
      .route(Method::post, "/orders", place)
      .route(Method::put, "/orders/{id}", place_at)
      .route(Method::delete_, "/orders", remove)
      .route(Method::get, "/slow", slow)
      .route(Method::get, "/fail/{condition}", fail)
      .route(Method::get, "/inject", inject)
      .route(Method::get, "/trace", trace);
  router.guard("/orders", [](const Request& request) {
    if (request.headers.has("X-Stranger")) throw Error(Condition::unauthorized, "no token");
  });
  return router;
}

std::string text_answer(std::string_view body) {
  return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

std::string get(std::string_view target, std::string_view fields = "") {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "\r\n";
}

std::string post(std::string_view target, std::string_view body, std::string_view fields = "") {
  return "POST " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n" + std::string(fields) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

TEST(Server, AnswersPipelinedRequestsInOrderHoweverTheyArrive) {
  for_seeds(50, [](std::uint64_t seed) {
    ServerWorld world(test_router(), {}, seed);

    const std::string answer =
        world.talk(get("/hello/a%20b") + post("/echo", "12345") +
                   "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n" +
                   get("/hello/last"));

    EXPECT_EQ(answer, text_answer("hello a b") + text_answer("12345") + text_answer("abcde") +
                          text_answer("hello last"));
  });
}

TEST(Server, ClosesWhenAskedTo) {
  ServerWorld world(test_router());

  const std::string answer =
      world.talk_openly(get("/hello/x", "Connection: close\r\n") + get("/hello/y"));

  EXPECT_EQ(answer,
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n"
            "Content-Length: 7\r\n\r\nhello x");
}

TEST(Server, ClosesAfterEachRequestOfHttp10) {
  ServerWorld world(test_router());
  const std::string request = "GET /hello/x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";

  EXPECT_EQ(world.talk_openly(request + request),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n"
            "Content-Length: 7\r\n\r\nhello x");
}

TEST(Server, OnePipelineDoesNotStarveTheOthers) {
  ServerWorld world(test_router());
  std::string many;
  for (int i = 0; i < 500; ++i)
    many += get("/hello/x");

  EXPECT_EQ(world.talk(many).size(), 500 * text_answer("hello x").size());
}

TEST(Server, AnswersHeadWithoutTheBody) {
  ServerWorld world(test_router());

  EXPECT_EQ(world.talk("HEAD /hello/x HTTP/1.1\r\nHost: h\r\n\r\n"),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 7\r\n\r\n");
}

TEST(Server, ReadsAndWritesStructs) {
  ServerWorld world(test_router());
  constexpr std::string_view kJson = "Content-Type: application/json\r\n";

  EXPECT_THAT(world.talk(post("/orders", R"({"lines":[{"product":"a","quantity":1}]})", kJson)),
              HasSubstr("\r\n\r\n{\"lines\":1}"));
  EXPECT_EQ(world.talk("PUT /orders/7 HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\n" +
                       std::string(kJson) + "\r\n{\"lines\":[]}"),
            "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nLocation: /orders/7\r\n"
            "Content-Length: 11\r\n\r\n{\"lines\":0}");
  EXPECT_THAT(world.talk("DELETE /orders HTTP/1.1\r\nHost: h\r\n\r\n"),
              StartsWith("HTTP/1.1 204 No Content\r\n"));
}

TEST(Server, ListsAllThatIsWrongWithADocument) {
  ServerWorld world(test_router());

  const std::string answer =
      world.talk(post("/orders", R"({"lines":[{"product":7,"quantity":1.5}],"x":1})",
                      "Content-Type: application/json\r\n"));

  EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 Bad Request\r\nContent-Type: "
                                 "application/problem+json\r\n"));
  EXPECT_THAT(answer, HasSubstr(R"({"path":"lines[0].product","message":)"));
  EXPECT_THAT(answer, HasSubstr(R"({"path":"lines[0].quantity","message":)"));
  EXPECT_THAT(answer, HasSubstr(R"({"path":"x","message":)"));
}

struct RefusalCase {
  const char* name;
  std::string request;
  const char* status_line;
  const char* field = "\r\n";
  bool goes_on = false;  // the connection lives on
};

TEST(Server, RefusesWithTheStatusThatSaysWhy) {
  const std::string long_line(9000, 'a');
  const RefusalCase cases[] = {
      {"no_path", get("/none"), "404 Not Found", "problem+json", true},
      {"no_method", get("/echo"), "405 Method Not Allowed", "Allow: POST, OPTIONS\r\n", true},
      {"no_json", post("/orders", "{}"), "415 Unsupported Media Type", "\r\n", true},
      {"bad_json", post("/orders", "{", "Content-Type: application/json\r\n"), "400 Bad Request",
       "\r\n", true},
      {"guard", post("/orders", "{}", "X-Stranger: 1\r\n"), "401 Unauthorized",
       "WWW-Authenticate: ", true},
      {"unknown_method", "BREW / HTTP/1.1\r\nHost: h\r\n\r\n", "501 Not Implemented", "\r\n", true},
      {"connect", "CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n", "501 Not Implemented", "\r\n", true},
      {"parameter", get("/slow?s=x"), "400 Bad Request", "parameter s: ", true},
      {"smuggled",
       "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: "
       "chunked\r\n\r\n",
       "400 Bad Request", "Connection: close"},
      {"no_host", "GET / HTTP/1.1\r\n\r\n", "400 Bad Request", "Connection: close"},
      {"long_target", get("/" + long_line), "414 URI Too Long", "Connection: close"},
      {"large_field", get("/", "X: " + long_line + long_line + "\r\n"),
       "431 Request Header Fields Too Large", "Connection: close"},
      {"large_body",
       "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n" + std::string(101, 'x'),
       "413 Content Too Large", "Connection: close"},
      {"version", "GET / HTTP/2.0\r\n\r\n", "505 HTTP Version Not Supported", "Connection: close"},
      {"expectation", get("/", "Expect: tea\r\n"), "417 Expectation Failed", "Connection: close"},
      {"escape", get("/%2e%2e/x"), "400 Bad Request", "Connection: close"},
  };
  for (const RefusalCase& example : cases) {
    SCOPED_TRACE(example.name);
    ServerWorld world(test_router(), {.max_body_bytes = 100});

    const std::string answer = world.talk(example.request + get("/hello/next"));

    EXPECT_THAT(answer, StartsWith(std::string("HTTP/1.1 ") + example.status_line + "\r\n"));
    EXPECT_THAT(answer, HasSubstr(example.field));
    EXPECT_EQ(answer.ends_with("hello next"), example.goes_on) << answer;
  }
}

TEST(Server, TellsTheMethodsOfAPath) {
  ServerWorld world(test_router());

  EXPECT_EQ(world.talk("OPTIONS /orders HTTP/1.1\r\nHost: h\r\n\r\n"),
            "HTTP/1.1 204 No Content\r\nAllow: POST, DELETE, OPTIONS\r\n\r\n");
  EXPECT_THAT(world.talk("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"), HasSubstr("Allow: GET, "));
}

TEST(Server, MapsWhatAHandlerThrows) {
  ServerWorld world(test_router());
  const auto status_of = [&](Condition condition) {
    return world.talk(get("/fail/" + std::to_string(static_cast<int>(condition)))).substr(9, 3);
  };

  EXPECT_EQ(status_of(Condition::conflict), "409");
  EXPECT_EQ(status_of(Condition::exhausted), "503");
  EXPECT_EQ(status_of(Condition::corrupt), "500");
  const std::string unknown = world.talk(get("/fail/0"));
  EXPECT_THAT(unknown, StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(unknown, testing::Not(HasSubstr("secret")));
  EXPECT_THAT(world.talk(get("/fail/100")), StartsWith("HTTP/1.1 500 "));
}

TEST(Server, NeverSendsAnInjectedField) {
  ServerWorld world(test_router());

  const std::string answer = world.talk(get("/inject") + get("/hello/next"));

  EXPECT_THAT(answer, StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(answer, testing::EndsWith("hello next"));
}

Task<std::string> send_after_continue(ServerWorld& world, std::string head, std::string body) {
  auto stream = co_await world.connect();
  co_await async::write_all(*stream, std::as_bytes(std::span(head)));
  std::string answer = co_await test::read_until(*stream, "\r\n\r\n");
  if (answer.starts_with("HTTP/1.1 100")) {
    co_await async::write_all(*stream, std::as_bytes(std::span(body)));
    stream->shutdown_write();
  }
  answer += co_await test::read_to_end(*stream);
  co_return test::without_dates(std::move(answer));
}

TEST(Server, AsksForTheBodyOnlyWhenItWillTakeIt) {
  for_seeds(10, [](std::uint64_t seed) {
    ServerWorld world(test_router(), {.max_body_bytes = 100}, seed);
    const auto head = [](const char* path, int length) {
      return "POST " + std::string(path) + " HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n" +
             "Content-Length: " + std::to_string(length) + "\r\n\r\n";
    };

    const auto taken = world.run(send_after_continue(world, head("/echo", 5), "12345"));
    const auto unknown = world.run(send_after_continue(world, head("/none", 5), "12345"));
    const auto large = world.run(send_after_continue(world, head("/echo", 101), "x"));

    EXPECT_EQ(taken, "HTTP/1.1 100 Continue\r\n\r\n" + text_answer("12345"));
    EXPECT_THAT(unknown, StartsWith("HTTP/1.1 404 "));
    EXPECT_THAT(large, StartsWith("HTTP/1.1 413 "));
  });
}

TEST(Server, EndsWhatTakesTooLong) {
  ServerWorld world(test_router());
  const auto talk_for = [&](std::string bytes, Duration expected) {
    const Instant began = world.world.now();
    const std::string answer = world.talk_openly(std::move(bytes));
    const Duration took = world.world.now() - began;
    EXPECT_GE(took, expected);
    EXPECT_LE(took, expected + 2s);
    return answer;
  };

  EXPECT_EQ(talk_for("", 60s), "");
  EXPECT_THAT(talk_for("GET / HT", 10s), StartsWith("HTTP/1.1 408 "));
  EXPECT_THAT(talk_for("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc", 30s),
              StartsWith("HTTP/1.1 408 "));
  EXPECT_THAT(talk_for(get("/slow?s=100", "Connection: close\r\n"), 30s),
              StartsWith("HTTP/1.1 504 "));
  EXPECT_EQ(talk_for(get("/hello/x"), 60s), text_answer("hello x"));
}

TEST(Server, GivesABodyItsOwnTimeHoweverItsHeadArrives) {
  for_seeds(20, [](std::uint64_t seed) {
    ServerWorld world(test_router(), {}, seed);
    const Instant began = world.world.now();

    const std::string answer =
        world.talk_openly("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc");

    EXPECT_THAT(answer, StartsWith("HTTP/1.1 408 "));
    EXPECT_GE(world.world.now() - began, 30s);
  });
}

TEST(Server, TurnsAwayConnectionsBeyondItsBound) {
  ServerWorld world(test_router(), {.max_connections = 1});
  auto first = world.run(world.connect());
  world.world.run_for(1s);

  const std::string refused = world.talk_openly("");
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 503 "));
  EXPECT_NE(refused.find("Retry-After: 1\r\n"), std::string::npos) << refused;
  first.reset();
  world.world.run_for(1s);
  EXPECT_EQ(world.talk(get("/hello/x")), text_answer("hello x"));
}

TEST(Server, ForgetsConnectionsThatBreak) {
  for_seeds(20, [](std::uint64_t seed) {
    ServerWorld world(test_router(), {}, seed);
    auto stream = world.run(world.connect());
    stream->try_write(std::as_bytes(std::span(std::string_view("GET /slow HTTP/1.1\r\nHost"))));
    world.world.run_for(std::chrono::milliseconds(seed % 5));

    world.world.network().cut_one();
    world.world.run_for(5s);

    EXPECT_EQ(world.server->connections(), 0U);
  });
}

TEST(Server, DrainLetsRequestsEndAndClosesIdleConnections) {
  for_seeds(20, [](std::uint64_t seed) {
    ServerWorld world(test_router(), {}, seed);
    async::Scope scope(world.client_node);
    std::string answer;
    std::string idle = "open";
    const auto work = [&]() -> Task<void> {
      auto stream = co_await world.connect();
      const std::string request = get("/slow?s=5");
      co_await async::write_all(*stream, std::as_bytes(std::span(request)));
      answer = test::without_dates(co_await test::read_to_end(*stream));
    };
    const auto wait = [&]() -> Task<void> {
      auto stream = co_await world.connect();
      idle = co_await test::read_to_end(*stream);
    };
    scope.spawn(work());
    scope.spawn(wait());
    world.world.run_for(1s);
    const Instant began = world.world.now();

    world.server_node.run(world.server->drain(10s));
    world.world.run_for(1s);

    EXPECT_LT(world.world.now() - began, 7s);
    EXPECT_EQ(idle, "");
    EXPECT_EQ(answer,
              "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n"
              "Content-Length: 4\r\n\r\nlate");
    EXPECT_EQ(scope.size(), 0U);
    EXPECT_EQ(world.server->connections(), 0U);
  });
}

TEST(Server, DrainCancelsWhatOutlastsItsPatience) {
  ServerWorld world(test_router());
  auto stream = world.run(world.connect());
  const std::string request = get("/slow?s=25");
  stream->try_write(std::as_bytes(std::span(request)));
  world.world.run_for(1s);
  const Instant began = world.world.now();

  world.server_node.run(world.server->drain(3s));

  EXPECT_GE(world.world.now() - began, 3s);
  EXPECT_LT(world.world.now() - began, 4s);
  EXPECT_EQ(world.server->connections(), 0U);
}

TEST(Server, HandlerGoesOnWithTheCallersTrace) {
  ServerWorld world(test_router());
  constexpr std::string_view kTrace =
      "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n";

  EXPECT_EQ(world.talk(get("/trace", kTrace)), text_answer("0af7651916cd43dd8448eb211c80319c"));
  EXPECT_THAT(world.talk(get("/trace")), HasSubstr("Content-Length: 32\r\n"));
}

TEST(Server, CountsByRouteNotByPath) {
  metrics::Registry registry;
  ServerWorld world(test_router(), {.metrics = &registry});

  world.talk(get("/what/ever") + get("/hello/a") + get("/hello/b") + "bad\r\n");

  const std::string text = registry.expose();
  EXPECT_THAT(
      text, HasSubstr(R"(http_requests_total{method="GET",route="/hello/{name}",status="200"} 2)"));
  EXPECT_THAT(text, HasSubstr(R"(http_requests_total{method="GET",route="none",status="404"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(route="none",status="400"} 1)"));
}

}  // namespace
}  // namespace sinew::http
