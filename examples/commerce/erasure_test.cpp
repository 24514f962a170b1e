#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "examples/commerce/test_input.hpp"

namespace commerce::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr auto name = "Yvonne Moncada";
constexpr auto street = "Ing. Gustavo Moncada 8585";

Json order_of_a_person(const std::string& id) {
  Json json = order(id, "pm_card_visa", 2);
  auto& address = json.as_object().find("ship_to")->as_object();
  address.set("name", name);
  address.set("street", street);
  return json;
}

Json request(const std::string& by) {
  JsonObject request;
  request.set("by", by);
  request.set("reason", "asked for by mail");
  return request;
}

// The files of the system's databases that hold the text.
std::vector<std::string> files_with(TestSystem& system, const std::string& text) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(system.folder())) {
    if (!entry.is_regular_file() || !entry.path().filename().string().contains(".db")) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    if (bytes.contains(text)) found.push_back(entry.path().filename());
  }
  return found;
}

class Erasure : public testing::TestWithParam<sinew::sim::Databases> {};
INSTANTIATE_TEST_SUITE_P(Databases, Erasure,
                         testing::Values(sinew::sim::Databases::plain,
                                         sinew::sim::Databases::interleaving),
                         [](const auto& test) {
                           const bool plain = test.param == sinew::sim::Databases::plain;
                           return std::string(plain ? "plain" : "interleaving");
                         });

TEST_P(Erasure, LeavesTheBooksAsTheyWereAndTheNameNowhere) {
  TestSystem system(1, {.databases = GetParam()});
  supply(system);
  system.post("sales", "/orders", order_of_a_person("1"));
  system.settle();
  const auto before = system.get("sales", "/orders/1").json();
  const auto audited = system.audit("sales");

  const auto erased = system.post("sales", "/customers/VINET/erasure", request("the clerk"));
  const auto after = system.get("sales", "/orders/1").json();
  system.report("r1", "1", "1996-07-16");
  system.settle();

  EXPECT_EQ(before.at("order").at("ship_to").at("name").as_string(), name);
  EXPECT_EQ(erased.status, 200) << erased.body;
  EXPECT_TRUE(erased.json().at("erased").as_bool());
  EXPECT_TRUE(erased.json().at("purged").as_bool());
  EXPECT_EQ(after.at("order").at("ship_to").at("name").as_string(), "");
  EXPECT_EQ(after.at("order").at("ship_to").at("street").as_string(), "");
  EXPECT_EQ(after.at("order").at("ship_to").at("country").as_string(), "France");
  EXPECT_EQ(after.at("payable"), before.at("payable"));
  EXPECT_EQ(after.at("order").at("lines"), before.at("order").at("lines"));
  EXPECT_EQ(system.audit("sales").orders.at("1").payable, audited.orders.at("1").payable);
  EXPECT_EQ(status_of(system, "1"), "shipped");
  expect_balanced(system);
}

// Neither events, snapshots, outbox nor topics: not even while the person is known.
TEST_P(Erasure, NeverNeedsToSearchForTheName) {
  TestSystem system(1, {.databases = GetParam()});
  supply(system);
  system.post("sales", "/orders", order_of_a_person("1"));
  system.settle();
  system.report("r1", "1", "1996-07-16");
  system.settle();

  EXPECT_THAT(files_with(system, name), IsEmpty());
  EXPECT_THAT(files_with(system, street), IsEmpty());
  EXPECT_THAT(files_with(system, "France"), testing::Not(IsEmpty())) << "the search finds things";
}

TEST_P(Erasure, TouchesNobodyElseAndNothingLater) {
  TestSystem system(1, {.databases = GetParam()});
  supply(system);
  system.drop("sales", "customers", "more.csv",
              "CustomerID,CompanyName,ContactName,City,Country,Phone\n"
              "HANAR,Hanari Carnes,Mario Pontes,Rio de Janeiro,Brazil,(21) 555-0091\n");
  Json other = order_of_a_person("2");
  other.as_object().set("customer_id", "HANAR");
  system.post("sales", "/orders", order_of_a_person("1"));
  system.post("sales", "/orders", other);
  system.settle();

  system.post("sales", "/customers/VINET/erasure", request("the clerk"));
  const auto again = system.post("sales", "/orders", order_of_a_person("1"));
  const auto later = system.post("sales", "/orders", order_of_a_person("3"));
  system.settle();
  const auto name_of = [&](const std::string& id) {
    return system.get("sales", "/orders/" + id)
        .json()
        .at("order")
        .at("ship_to")
        .at("name")
        .as_string();
  };

  EXPECT_EQ(again.status, 200) << "the same order still: " << again.body;
  EXPECT_EQ(later.status, 201);
  EXPECT_EQ(name_of("1"), "");
  EXPECT_EQ(name_of("2"), name);
  EXPECT_EQ(name_of("3"), name) << "a person may come back, under a new key";
  expect_balanced(system);
}

TEST(ErasureRoute, RefusesWhomItDoesNotKnowAndWhoDoesNotSayWho) {
  TestSystem system;
  supply(system);

  const auto unknown = system.post("sales", "/customers/NOBODY/erasure", request("the clerk"));
  const auto nobody = system.post("sales", "/customers/VINET/erasure", request(""));

  EXPECT_EQ(unknown.status, 404) << unknown.body;
  EXPECT_EQ(nobody.status, 400) << nobody.body;
  EXPECT_THAT(nobody.body, HasSubstr("by"));
}

TEST(ErasureKeys, AreAskedForAtTheStart) {
  sinew::sim::WorldOptions options;
  options.contexts.codecs = event_codecs();
  sinew::sim::World world(options);
  world.add<sales::Sales>();
  try {
    world.start();
    ADD_FAILURE() << "it started";
  } catch (const sinew::Error& error) {
    EXPECT_THAT(error.detail(), HasSubstr("personal_data.master_key"));
  }
}

}  // namespace
}  // namespace commerce::test
