#include "sinew/context/operator_api.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "tests/support/test_host.hpp"

namespace sinew::context {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class OperatorApi : public testing::Test {
 protected:
  void SetUp() override { system.start(); }
  http::Response get(std::string path, const std::string& token = "") {
    return ask(http::Method::get, std::move(path), token, "");
  }
  http::Response ask(http::Method method, std::string path, const std::string& token,
                     std::string body) {
    http::ClientRequest request{.method = method, .url = std::move(path), .body = std::move(body)};
    if (!token.empty()) request.headers.set("Authorization", "Bearer " + token);
    if (!request.body.empty()) request.headers.set("Content-Type", "application/json");
    request.headers.set("Sinew-Actor", "ann");
    return system.send(to_string(system.host->operator_endpoint()), std::move(request));
  }
  http::Response operate(const std::string& operation, std::string arguments) {
    return ask(http::Method::post, "/v1/contexts/shop/operations/" + operation,
               system.host->operator_token(), std::move(arguments));
  }

  TestHost system;
};

TEST_F(OperatorApi, AsksForTheToken) {
  EXPECT_EQ(get("/health").status, 200);
  EXPECT_EQ(get("/v1/activity").status, 401);
  EXPECT_EQ(get("/v1/activity", std::string(64, '0')).status, 401);
  EXPECT_EQ(get("/v1/activity", system.host->operator_token()).status, 200);
}

TEST_F(OperatorApi, IsReadyUntilAContextDrains) {
  EXPECT_EQ(get("/ready").status, 200);

  system.node->run(system.context("stock").drain(1s));

  EXPECT_EQ(get("/ready").status, 503);
  const auto health = get("/health");
  EXPECT_EQ(health.status, 200);
  EXPECT_THAT(health.body, HasSubstr("draining"));
}

TEST_F(OperatorApi, MeasuresAndOperatesTheOthersWhenOneContextIsDrained) {
  system.place("o-1", 1);
  system.world.run_for(2s);
  system.node->run(system.context("stock").drain(1s));

  const auto metrics = get("/metrics");
  const auto activity = get("/v1/activity", system.host->operator_token());
  const auto refused = ask(http::Method::post, "/v1/contexts/stock/operations/dlq.list",
                           system.host->operator_token(), "{}");

  EXPECT_EQ(metrics.status, 200);
  EXPECT_THAT(metrics.body, HasSubstr(R"(sinew_messages{context="shop",state="outbox"} 0)"));
  EXPECT_EQ(activity.status, 200);
  EXPECT_EQ(refused.status, 503);
  EXPECT_THAT(refused.body, HasSubstr("the context stock does not run"));
  EXPECT_EQ(operate("saga.list", "{}").status, 200);
}

TEST_F(OperatorApi, MeasuresConsumersAndQueues) {
  system.place("o-1", 1);
  system.node->run(system.shop->send_unknown_command());
  system.world.run_for(2s);

  const std::string metrics = get("/metrics").body;

  for (const char* line :
       {R"(sinew_consumer_messages{consumer="stock/shop.events",outcome="handled"} 1)",
        R"(sinew_consumer_messages{consumer="stock/stock.commands",outcome="parked"} 1)",
        R"(sinew_consumer_backlog{consumer="stock/stock.commands"} 1)",
        R"(sinew_consumer_paused{consumer="stock/stock.commands"} 0)",
        R"(sinew_queue_passed_messages{queue="stock.commands",what="published"} 2)",
        R"(sinew_queue_passed_messages{queue="stock.commands",what="delivered"} 2)",
        R"(sinew_queue_passed_messages{queue="stock.commands",what="accepted"} 2)",
        R"(sinew_queue_passed_messages{queue="stock.commands",what="lost"} 0)",
        R"(sinew_database_queue{context="shop"} 0)", R"(sinew_http_connections{context="shop"} 1)",
        R"(sinew_http_connections{context="stock"} 0)",
        R"(sinew_topic_records{topic="shop.events",partition="0"} )"})
    EXPECT_THAT(metrics, HasSubstr(line));
}

TEST_F(OperatorApi, ShowsAndChangesSagas) {
  system.node->run(system.context("stock").drain(1s));
  system.place("o-1", 1);
  system.world.run_for(1s);
  const Json list = operate("saga.list", R"({"status":"running"})").json();
  ASSERT_THAT(list.at("sagas").as_array(), SizeIs(1U));

  EXPECT_EQ(operate("saga.resolve", R"({"id":"o-1","result":{"units":1},"reason":"seen"})").status,
            200);
  system.world.run_for(1s);

  EXPECT_THAT(system.rows("shop", "SELECT state FROM orders"), ElementsAre("confirmed"));
  const Json audit = operate("audit.list", "{}").json();
  EXPECT_EQ(audit.at("entries").as_array().at(0).at("actor").as_string(), "ann");
}

TEST_F(OperatorApi, SaysWhatItDoesNotKnow) {
  EXPECT_EQ(operate("saga.dance", "{}").status, 404);
  EXPECT_EQ(operate("saga.show", R"({"id":"none"})").status, 404);
  EXPECT_EQ(operate("saga.list", R"({"limt":1})").status, 400);
  EXPECT_EQ(ask(http::Method::post, "/v1/contexts/none/operations/saga.list",
                system.host->operator_token(), "{}")
                .status,
            404);
}

TEST_F(OperatorApi, ParksAnUnknownCommandAndHasItDiscarded) {
  system.node->run(system.shop->send_unknown_command());
  system.world.run_for(2s);
  EXPECT_THAT(system.rows("stock", "SELECT reason FROM consumer_backlog"),
              ElementsAre("unknown_type"));
  const Json activity = get("/v1/activity", system.host->operator_token()).json();
  EXPECT_EQ(activity.at("stock").at("parked").as_integer(), 1);

  const auto answer = ask(http::Method::post, "/v1/contexts/stock/operations/dlq.discard",
                          system.host->operator_token(), R"({"all":true})");

  EXPECT_EQ(answer.json().at("messages").as_integer(), 1);
  EXPECT_EQ(system.number("stock", "SELECT COUNT(*) FROM consumer_backlog"), 0);
}

TEST_F(OperatorApi, ShowsHowFarGroupsAreBehindAndMovesThoseThatNobodyRuns) {
  const auto ask_topics = [this](const std::string& operation, std::string arguments) {
    return ask(http::Method::post, "/v1/topics/operations/topic." + operation,
               system.host->operator_token(), std::move(arguments));
  };
  const std::string group = R"({"topic":"shop.events","group":"stock")";
  system.world.run_for(1s);
  const std::string metrics = get("/metrics").body;
  EXPECT_THAT(metrics, HasSubstr("sinew_topic_lag_records{topic=\"shop.events\",group=\"stock\""));
  EXPECT_THAT(metrics, HasSubstr("sinew_topic_lag_seconds{"));
  EXPECT_EQ(ask_topics("reset", group + "}").status, 409) << "it has a member";
  system.node->run(system.context("stock").drain(1s));
  system.place("o-1", 1);
  system.world.run_for(10s);

  const Json list = ask_topics("list", "{}").json();
  const Json shown = ask_topics("show", group + "}").json();
  const auto moved = ask_topics("reset", group + R"(,"to":"end","dry_run":true})");

  for (const Json& topic : list.at("topics").as_array()) {
    if (topic.at("topic").as_string() != "shop.events") continue;
    EXPECT_EQ(topic.at("groups").as_array().at(0).at("behind").as_integer(), 1);
    EXPECT_EQ(topic.at("groups").as_array().at(0).at("members").as_integer(), 0);
  }
  EXPECT_THAT(shown.at("partitions").as_array(), SizeIs(8U));
  EXPECT_THAT(moved.json().at("moved").as_array(), SizeIs(8U));
  ask_topics("reset", group + R"(,"to":"end"})");
  const Json after = ask_topics("show", group + "}").json();
  for (const Json& partition : after.at("partitions").as_array())
    EXPECT_EQ(partition.at("behind").as_integer(), 0);
  EXPECT_EQ(ask_topics("reset", R"({"topic":"shop.events","group":"nobody"})").status, 404);
  EXPECT_EQ(ask_topics("show", R"({"topic":"none"})").status, 404);
  EXPECT_EQ(ask_topics("reset", group + R"(,"to":"yesterday"})").status, 400);
  EXPECT_EQ(ask_topics("reset", group + R"(,"positions":[{"partition":0,"position":99}]})").status,
            400);
  EXPECT_EQ(ask_topics("dance", "{}").status, 404);
}

TEST_F(OperatorApi, ShowsQueuesPurgesThemAndMovesDeadLettersBack) {
  const auto port = system.node->run(system.host->backend().connect_broker(*system.node, "test"));
  messaging::QueueSpec offers;
  offers.name = "offers";
  offers.ttl = 1s;
  offers.dead_letter = "offers.dead";
  system.node->run(port->declare({.queues = {{.name = "offers.dead"}, offers}, .topics = {}}));
  for (int i = 0; i < 3; ++i) {
    event::Envelope envelope{.id = system.node->new_id(), .source = "/x", .type = "x.offer"};
    system.node->run(port->publish({{{messaging::DestinationKind::queue, "offers"}, envelope}}));
  }
  system.world.run_for(5s);
  const auto ask_queues = [this](const std::string& operation, std::string arguments) {
    return ask(http::Method::post, "/v1/queues/operations/queue." + operation,
               system.host->operator_token(), std::move(arguments));
  };
  const std::string dead = R"({"queue":"offers.dead")";

  const std::string metrics = get("/metrics").body;
  EXPECT_THAT(metrics, HasSubstr(R"(sinew_queue_messages{queue="offers.dead",state="ready"} 3)"));
  EXPECT_THAT(metrics,
              HasSubstr(R"(sinew_queue_expired_messages{queue="offers",outcome="dead_letter"} 3)"));
  const Json shown = ask_queues("show", dead + R"(,"limit":2})").json();
  EXPECT_EQ(shown.at("queue").at("ready").as_integer(), 3);
  EXPECT_EQ(shown.at("messages").as_array().size(), 2U);
  EXPECT_GE(ask_queues("list", "{}").json().at("queues").as_array().size(), 2U);

  EXPECT_EQ(ask_queues("redrive", dead + R"(,"dry_run":true})").json().at("messages").as_integer(),
            3);
  EXPECT_EQ(ask_queues("redrive", dead + "}").json().at("messages").as_integer(), 3);
  EXPECT_EQ(ask_queues("purge", R"({"queue":"offers"})").json().at("messages").as_integer(), 3);
  EXPECT_EQ(ask_queues("purge", R"({"queue":"nowhere"})").status, 404);
  EXPECT_EQ(ask_queues("list", R"({"many":1})").status, 400);
  EXPECT_EQ(ask_queues("dance", "{}").status, 404);
}

}  // namespace
}  // namespace sinew::context
