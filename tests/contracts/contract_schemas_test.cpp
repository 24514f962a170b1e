#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string_view>

#include "examples/commerce/encodings/encodings.hpp"
#include "examples/commerce/fulfillment/contract/shipments.hpp"
#include "sinew/event/schema_catalog.hpp"
#include "tests/contracts/published.hpp"

namespace commerce::contracts {
namespace {

const std::filesystem::path root = COMMERCE_FOLDER;

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> committed_files() {
  std::vector<std::string> files;
  for (const auto& context : std::filesystem::directory_iterator(root)) {
    for (const char* kind : {"contract", "reads", "recorded"}) {
      const std::filesystem::path folder = context.path() / kind;
      if (!std::filesystem::is_directory(folder)) continue;
      for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() == ".json") files.push_back(entry.path().filename().string());
      }
    }
  }
  return files;
}

// `type` and version of `<type>.v<version>.schema.json`; version 0 for another name.
std::pair<std::string, int> type_and_version(const std::string& file) {
  constexpr std::string_view ending = ".schema.json";
  const std::size_t mark = file.rfind(".v");
  if (mark == std::string::npos || !file.ends_with(ending)) return {file, 0};
  return {file.substr(0, mark), std::stoi("0" + file.substr(mark + 2))};
}

TEST(ContractSchemas, CommittedTextIsWhatTheStructsSay) {
  for (const PublishedSchema& schema : published_schemas()) {
    const std::filesystem::path path = root / schema.folder / schema.file;
    EXPECT_EQ(content(path), schema.text)
        << path << ": a published version does not change. Raise the version in the struct, add an "
        << "upcaster, and run contract_schemas_test --write; before its first release, delete the "
        << "file instead.";
  }
}

TEST(ContractSchemas, EveryCommittedFileIsACurrentOrAnEarlierVersion) {
  const std::vector<PublishedSchema> schemas = published_schemas();

  for (const std::string& file : committed_files()) {
    const auto [type, version] = type_and_version(file);
    const bool known = std::ranges::any_of(schemas, [&](const PublishedSchema& schema) {
      const auto current = type_and_version(schema.file);
      return type == current.first && version >= 1 && version <= current.second;
    });
    EXPECT_TRUE(known) << file << " belongs to no struct of a contract";
  }
}

// Every version against every reader, with the upcasters that the programs have.
TEST(ContractSchemas, BreakNobody) {
  sinew::event::SchemaCatalog catalog;
  sinew::event::add_schema_folder(catalog, root);
  catalog.check_complete();
  const sinew::event::Upcasters upcasters = all_upcasters();

  for (const auto& found : catalog.check({.upcasters = &upcasters})) {
    ADD_FAILURE() << found.type << " version " << found.written << " breaks " << found.reader
                  << ", which reads version " << found.version << ": " << found.path << ' '
                  << found.text;
  }

  EXPECT_EQ(catalog.check().size(), 3U) << "without upcasters a rejection has no code: for sales, "
                                           "for reporting, and in sales' own log";
}

// The messages of the .proto files carry all that the schemas allow.
TEST(ContractSchemas, TravelAsProtobufWithoutLoss) {
  sinew::event::SchemaCatalog catalog;
  sinew::event::add_schema_folder(catalog, root);
  const sinew::event::Codecs codecs = event_codecs();
  const auto type = fulfillment::ShipmentDispatched::type;

  const auto* written = catalog.written(type.name, type.version);
  ASSERT_NE(written, nullptr);
  for (const sinew::Json& data : {sinew::event::smallest_example(written->schema),
                                  sinew::event::fullest_example(written->schema)}) {
    const sinew::SharedBytes bytes = codecs.encode(type, data.as_object());
    EXPECT_EQ(sinew::Json(codecs.decode(type.content_type, type.name, type.version, bytes)), data);
  }
}

TEST(ContractSchemas, WritingKeepsWhatWasPublished) {
  const std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) / "contract_schemas_test";
  std::filesystem::remove_all(folder);
  const std::filesystem::path file = folder / "shop" / "contract" / "a.v1.schema.json";

  EXPECT_EQ(write_missing(folder, {{"shop/contract", "a.v1.schema.json", "first"}}), 1U);
  EXPECT_EQ(write_missing(folder, {{"shop/contract", "a.v1.schema.json", "second"}}), 0U);

  EXPECT_EQ(content(file), "first");
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace commerce::contracts

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc == 2 && std::string_view(argv[1]) == "--write") {
    using namespace commerce::contracts;
    fmt::print("{} schemas written\n", write_missing(root, published_schemas()));
    return 0;
  }
  return RUN_ALL_TESTS();
}
