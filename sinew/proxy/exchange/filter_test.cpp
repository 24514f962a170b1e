#include "sinew/proxy/exchange/filter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>

#include "sinew/proxy/exchange/test_proxy.hpp"

namespace sinew::proxy::test {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using Body = Filter::LooksAt::Body;

const std::string kHello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Own: 1\r\n\r\nhello";
const std::string kGet = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const std::string kPost =
    "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello";

// Does what a test says, and notes that it was called.
class Scripted final : public Filter {
 public:
  Scripted(std::string name, LooksAt at, std::vector<std::string>& calls)
      : name_(std::move(name)), looks_at_(at), calls_(calls) {}

  std::string_view name() const noexcept override { return name_; }
  LooksAt looks_at() const noexcept override { return looks_at_; }

  Task<Verdict> request_head(FilterContext& context, State*) const override {
    calls_.push_back(name_ + " request");
    if (wait) co_await async::sleep_for(std::chrono::seconds(1));
    if (fail) throw std::runtime_error("a filter's own trouble");
    context.request_edits.set.emplace_back("X-" + name_, "in");
    context.request_edits.set.emplace_back("Host", "elsewhere");
    co_return refuse ? std::make_unique<EarlyAnswer>(*refuse) : nullptr;
  }
  Task<Verdict> request_body(FilterContext&, State*, std::string& body, bool last) const override {
    calls_.push_back(name_ + " body " + std::to_string(body.size()) + (last ? " last" : ""));
    std::ranges::transform(body, body.begin(), [](unsigned char c) { return std::toupper(c); });
    if (last) body += "!";
    co_return nullptr;
  }
  Task<Verdict> answer_head(FilterContext& context, State*) const override {
    calls_.push_back(name_ + " answer");
    context.answer_edits.removed.push_back("X-Own");
    context.answer_edits.set.emplace_back("X-Out", name_);
    co_return nullptr;
  }
  Task<Verdict> answer_body(FilterContext&, State*, std::string& body, bool last) const override {
    calls_.push_back(name_ + " answer body" + (last ? " last" : ""));
    std::ranges::reverse(body);
    co_return nullptr;
  }

  std::optional<EarlyAnswer> refuse;
  bool wait = false;
  bool fail = false;

 private:
  std::string name_;
  LooksAt looks_at_;
  std::vector<std::string>& calls_;
};

// A back end that answers with the body it got.
Task<void> echo(async::Stream& stream, int) {
  const std::string head = co_await read_until(stream, "\r\n\r\n");
  const std::string length = field_of(head, "Content-Length");
  const std::string body = co_await read_until(stream, length.empty() ? "0\r\n\r\n" : "!");
  co_await write(stream, "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
                             "\r\nX-Length: " + length + "\r\n\r\n" + body);
  co_await read_to_end(stream);
}

class FilterTest : public testing::Test {
 protected:
  std::shared_ptr<Scripted> add(std::string name, Filter::LooksAt at) {
    auto filter = std::make_shared<Scripted>(std::move(name), at, calls);
    filters.push_back(filter);
    return filter;
  }
  void start() {
    world.route.filters = FilterChain(filters);
    world.start();
  }

  ProxyWorld world;
  std::vector<FilterPtr> filters;
  std::vector<std::string> calls;
};

TEST_F(FilterTest, RequestsPassInOrderAndAnswersInReverse) {
  add("a", {.request_head = true, .answer_head = true});
  add("b", {.request_head = true});
  add("c", {.request_head = true, .answer_head = true});
  world.serve_always(kHello);
  start();

  const std::string answer = world.talk(kGet);

  EXPECT_THAT(calls, ElementsAre("a request", "b request", "c request", "c answer", "a answer"));
  EXPECT_EQ(field_of(world.seen.at(0), "X-b"), "in");
  EXPECT_EQ(field_of(world.seen.at(0), "Host"), "127.0.0.1:9000");
  EXPECT_EQ(field_of(answer, "X-Own"), "");
  EXPECT_THAT(answer, HasSubstr("X-Out: c"));
}

TEST_F(FilterTest, AnAnswerOfAFilterEndsTheWayThere) {
  add("a", {.request_head = true})->refuse =
      EarlyAnswer{.status = 401, .fields = {{"WWW-Authenticate", "Key"}}, .body = "who are you?"};
  add("b", {.request_head = true});
  world.serve_always(kHello);
  start();

  const std::string answer = world.talk(kGet);

  EXPECT_THAT(answer, StartsWith("HTTP/1.1 401 Unauthorized\r\n"));
  EXPECT_THAT(answer, EndsWith("who are you?"));
  EXPECT_TRUE(world.seen.empty());
  EXPECT_THAT(calls, ElementsAre("a request"));
  EXPECT_EQ(world.observer.told.at(0).flags, "FA");
}

TEST_F(FilterTest, AFilterMayWait) {
  add("a", {.request_head = true})->wait = true;
  world.serve_always(kHello);
  start();
  EXPECT_THAT(world.talk(kGet), EndsWith("hello"));
}

TEST_F(FilterTest, WhatAFilterThrowsIs500) {
  add("a", {.request_head = true})->fail = true;
  world.serve_always(kHello);
  start();
  EXPECT_THAT(world.talk(kGet), StartsWith("HTTP/1.1 500 Internal Server Error\r\n"));
  EXPECT_TRUE(world.seen.empty());
}

TEST_F(FilterTest, AWholeBodyIsChangedWithItsLength) {
  add("a", {.request_body = Body::whole});
  world.serve(echo);
  start();

  const std::string answer = world.talk(kPost);

  EXPECT_THAT(calls, ElementsAre("a body 5 last"));
  EXPECT_EQ(field_of(answer, "X-Length"), "6");
  EXPECT_THAT(answer, EndsWith("HELLO!"));
}

TEST_F(FilterTest, AWholeBodyBeyondTheBoundIs413) {
  add("a", {.request_body = Body::whole, .whole_bytes = 4});
  world.serve(echo);
  start();
  EXPECT_THAT(world.talk(kPost), StartsWith("HTTP/1.1 413 Content Too Large\r\n"));
  EXPECT_EQ(world.back_ends.at(0)->connections(), 0);
}

TEST_F(FilterTest, PiecesAreChangedAsTheyComeAndChunked) {
  add("a", {.request_body = Body::pieces});
  world.serve(echo);
  start();

  const std::string answer = world.talk(kPost);

  EXPECT_EQ(field_of(answer, "X-Length"), "");
  EXPECT_THAT(answer, HasSubstr("HELLO"));
  EXPECT_THAT(answer, HasSubstr("1\r\n!\r\n0\r\n"));
}

TEST_F(FilterTest, AnAnswersBodyIsTakenWholeOrInPieces) {
  add("a", {.answer_body = Body::whole});
  world.serve_always(kHello);
  start();

  const std::string answer = world.talk(kGet);

  EXPECT_EQ(field_of(answer, "Content-Length"), "5");
  EXPECT_THAT(answer, EndsWith("\r\n\r\nolleh"));
  EXPECT_THAT(calls, ElementsAre("a answer body last"));
}

TEST_F(FilterTest, AnAnswersPiecesAreChunked) {
  add("a", {.answer_body = Body::pieces});
  world.serve_always(kHello);
  start();

  const std::string answer = world.talk(kGet);

  EXPECT_EQ(field_of(answer, "Transfer-Encoding"), "chunked");
  EXPECT_THAT(answer, EndsWith("5\r\nolleh\r\n0\r\n\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("Content-Length")));
}

TEST_F(FilterTest, AnAnswerWithoutABodyStaysOne) {
  add("a", {.answer_body = Body::whole});
  world.serve_always("HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n");
  start();
  EXPECT_THAT(world.talk(kGet), StartsWith("HTTP/1.1 304 Not Modified\r\n"));
  EXPECT_TRUE(calls.empty());
}

}  // namespace
}  // namespace sinew::proxy::test
