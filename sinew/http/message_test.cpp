#include "sinew/http/message.hpp"

#include <gtest/gtest.h>

#include <cstdint>

#include "sinew/base/json_reader.hpp"
#include "sinew/http/http_date.hpp"
#include "sinew/http/problem.hpp"
#include "sinew/http/response_text.hpp"

namespace sinew::http {
namespace {

Request with_query(std::string name, std::string value) {
  Request request;
  request.query.push_back({std::move(name), std::move(value)});
  return request;
}

template <class F>
std::string detail_of(F function) {
  try {
    function();
  } catch (const Error& error) {
    return std::string(to_string(error.condition())) + ": " + error.detail();
  }
  return "no error";
}

TEST(Request, ReadsTypedParameters) {
  EXPECT_EQ(with_query("n", "255").query_parameter<std::uint8_t>("n"), 255);
  EXPECT_EQ(with_query("n", "-7").query_parameter<int>("n"), -7);
  EXPECT_EQ(with_query("b", "true").query_parameter<bool>("b"), true);
  EXPECT_EQ(with_query("s", "").query_parameter<std::string>("s"), "");
  EXPECT_EQ(with_query("d", "2026-05-04").query_parameter<Date>("d"), parse_iso_date("2026-05-04"));
  EXPECT_EQ(with_query("x", "1").query_parameter<int>("n"), std::nullopt);
}

TEST(Request, NamesAParameterThatIsWrong) {
  EXPECT_EQ(detail_of([] { (void)with_query("n", "256").query_parameter<std::uint8_t>("n"); }),
            "invalid_input: parameter n: expected a whole number in range, got \"256\"");
  EXPECT_EQ(detail_of([] { (void)with_query("n", "1x").query_parameter<int>("n"); }),
            "invalid_input: parameter n: expected a whole number in range, got \"1x\"");
  EXPECT_EQ(detail_of([] { (void)with_query("b", "yes").query_parameter<bool>("b"); }),
            "invalid_input: parameter b: expected true or false, got \"yes\"");
  EXPECT_EQ(detail_of([] { (void)Request().path_parameter<int>("id"); }),
            "unsupported: the route has no parameter {id}; add it to its pattern");
}

TEST(Request, TakesJsonOnly) {
  Request request;
  request.body = R"({"a":1})";

  EXPECT_EQ(detail_of([&] { (void)request.json(); }),
            "unsupported: the body must be application/json");
  request.headers.set("content-type", "application/vnd.x+json; charset=utf-8");
  EXPECT_EQ(request.json().at("a").as_integer(), 1);
}

TEST(IsJson, KnowsTheTypeAndItsSuffix) {
  EXPECT_TRUE(is_json("Application/JSON ; charset=utf-8"));
  EXPECT_TRUE(is_json("application/problem+json"));
  EXPECT_FALSE(is_json("text/json5"));
  EXPECT_FALSE(is_json("+json"));
  EXPECT_FALSE(is_json(""));
}

TEST(Headers, CompareNamesWithoutCase) {
  Headers headers{{"A", "1"}, {"a", "2"}};

  EXPECT_EQ(headers.get("a"), "1");
  headers.set("a", "3");
  EXPECT_EQ(headers, (Headers{{"a", "3"}}));
  EXPECT_FALSE(headers.has("b"));
}

TEST(Problem, IsTheStatusOfTheCondition) {
  const Response answer = problem(Error(Condition::unavailable, "no broker", Applied::unknown));

  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.headers.get("Content-Type"), "application/problem+json");
  EXPECT_EQ(answer.headers.get("Retry-After"), "1");
  EXPECT_EQ(answer.body, R"({"type":"about:blank","title":"Service Unavailable","status":503,)"
                         R"("detail":"no broker","condition":"unavailable","applied":"unknown"})");
  EXPECT_EQ(problem(Error(Condition::unauthorized, "x")).headers.get("WWW-Authenticate"), "Bearer");
}

TEST(Problem, ListsEveryErrorOfADocument) {
  const Response answer =
      problem(DocumentError({{"lines[2].quantity", "expected an integer"}, {"", "bad"}}));

  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(to_text(answer.json().at("errors")),
            R"([{"path":"lines[2].quantity","message":"expected an integer"},)"
            R"({"path":"","message":"bad"}])");
}

TEST(ToError, UndoesAProblem) {
  for (const auto condition :
       {Condition::invalid_input, Condition::unauthorized, Condition::not_found,
        Condition::conflict, Condition::unavailable, Condition::timeout, Condition::unsupported}) {
    EXPECT_EQ(to_error(problem(Error(condition, "why"))).condition(), condition);
  }
  const Error error = to_error(problem(Error(Condition::timeout, "too slow", Applied::unknown)));
  EXPECT_EQ(error.detail(), "the peer answered 504: too slow");
  EXPECT_EQ(error.applied(), Applied::unknown);
  EXPECT_EQ(to_error(Response{.status = 500, .headers = {}, .body = "x"}).applied(),
            Applied::unknown);
  EXPECT_EQ(to_error(Response{.status = 404, .headers = {}, .body = "x"}).applied(), Applied::no);
}

TEST(WriteResponse, AddsTheServersOwnFields) {
  std::string out;
  Response response = ok("hello", "text/plain");
  response.headers.add("Connection", "keep-alive").add("Content-Length", "99");
  const Timestamp date = parse_rfc3339("1994-11-06T08:49:37Z");

  ASSERT_EQ(write_response(response, {.close = true, .date = date}, out), wire::Fault::none);
  EXPECT_EQ(out,
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
            "Connection: close\r\nContent-Length: 5\r\n\r\nhello");
  ASSERT_EQ(write_response(response, {.head = true, .date = date}, out), wire::Fault::none);
  EXPECT_TRUE(out.ends_with("Content-Length: 5\r\n\r\n"));
  ASSERT_EQ(write_response(no_content(), {.date = date}, out), wire::Fault::none);
  EXPECT_EQ(out, "HTTP/1.1 204 No Content\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n");
}

TEST(WriteResponse, RefusesInjection) {
  std::string out;
  Response response = ok("x", "text/plain\r\nSet-Cookie: a=b");

  EXPECT_EQ(write_response(response, {}, out), wire::Fault::bad_field_value);
  response = {.status = 100, .headers = {}, .body = {}};
  EXPECT_EQ(write_response(response, {}, out), wire::Fault::bad_status_line);
}

}  // namespace
}  // namespace sinew::http
