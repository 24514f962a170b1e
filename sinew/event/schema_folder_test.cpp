#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "sinew/base/error.hpp"
#include "sinew/event/schema_catalog.hpp"

namespace sinew::event {
namespace {

namespace fs = std::filesystem;

class SchemaFolder : public testing::Test {
 protected:
  SchemaFolder() { fs::remove_all(root_); }
  ~SchemaFolder() override { fs::remove_all(root_); }

  void write(const fs::path& file, std::string_view text) const {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text;
  }
  std::string refusal() const {
    SchemaCatalog catalog;
    try {
      add_schema_folder(catalog, root_);
    } catch (const Error& error) {
      return error.detail();
    }
    return {};
  }

  const fs::path root_ =
      fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(SchemaFolder, GivesVersionsToTheirContextAndReadersToTheirs) {
  write("sales/contract/order.v1.schema.json", R"({"$id":"urn:sinew:order:1","type":"object"})");
  write("sales/contract/order.v2.schema.json", R"({"$id":"urn:sinew:order:2","type":"object"})");
  write("mail/reads/order.v2.schema.json", R"({"$id":"urn:sinew:order:2","type":"object"})");
  write("sales/contract/order.hpp", "not a schema");
  SchemaCatalog catalog;

  add_schema_folder(catalog, root_);

  EXPECT_EQ(catalog.size(), 3U);
  ASSERT_NE(catalog.written("order", 1), nullptr);
  EXPECT_EQ(catalog.written("order", 1)->context, "sales");
  ASSERT_EQ(catalog.readers("order").size(), 2U);
  EXPECT_EQ(catalog.readers("order")[1]->context, "mail");
}

TEST_F(SchemaFolder, TellsEveryBadFileByItsPath) {
  write("a/contract/order.schema.json", "{}");
  write("a/contract/order.v0.schema.json", "{}");
  write("a/contract/order.v1x.schema.json", "{}");
  write("b/contract/other.v1.schema.json", R"({"$id":"urn:sinew:order:1"})");
  write("c/contract/text.v1.schema.json", "{");
  write("c/contract/wide.v1.schema.json", R"({"$id":"urn:sinew:wide:1","oneOf":[]})");

  const std::string told = refusal();

  for (const char* file :
       {"order.schema.json", "order.v0", "order.v1x", "other.v1", "text.v1", "wide.v1", "oneOf"}) {
    EXPECT_THAT(told, testing::HasSubstr(file));
  }
}

TEST_F(SchemaFolder, RefusesAFolderWithoutSchemas) {
  EXPECT_THAT(refusal(), testing::HasSubstr("cannot be read"));
  fs::create_directories(root_);
  EXPECT_THAT(refusal(), testing::HasSubstr("holds no schema"));
}

}  // namespace
}  // namespace sinew::event
