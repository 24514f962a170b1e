#include "adapters/protobuf/descriptor_set.hpp"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <utility>

#include "adapters/protobuf/test_messages.pb.h"
#include "sinew/base/error.hpp"
#include "tests/support/error_of.hpp"

namespace sinew::protobuf {
namespace {

using google::protobuf::FileDescriptorProto;
using google::protobuf::FileDescriptorSet;
using testing::HasSubstr;
using tests::error_of;

// The file of the tests' messages with those of these names only, in the order of the generated
// code.
FileDescriptorProto file_with(std::string name, std::initializer_list<std::string_view> messages) {
  FileDescriptorProto all;
  test::Order::descriptor()->file()->CopyTo(&all);
  FileDescriptorProto file = all;
  file.set_name(std::move(name));
  file.clear_dependency();
  file.clear_message_type();
  for (const auto& message : all.message_type()) {
    if (std::ranges::count(messages, message.name()) > 0) *file.add_message_type() = message;
  }
  return file;
}

std::string set_of(std::initializer_list<FileDescriptorProto> files) {
  FileDescriptorSet set;
  for (const auto& file : files)
    *set.add_file() = file;
  return set.SerializeAsString();
}

TEST(DescriptorSet, ReadsWhatGeneratedCodeWrote) {
  Codec generated;
  generated.add("shop.order", 2, test::Order::default_instance());
  const JsonObject order =
      parse_json(
          R"({"id":"7","lines":[{"product":2,"price":"1"}],"counts":{"a":1},"colour":"red"})")
          .as_object();
  const std::string bytes = generated.encode("shop.order", 2, order);

  const auto described = codec_of_descriptor_set(
      set_of({file_with("shop/contract/shop.order.v2.proto", {"Order", "Line"})}));

  EXPECT_TRUE(described->knows("shop.order", 2));
  EXPECT_FALSE(described->knows("shop.order", 1));
  EXPECT_EQ(Json(described->decode("shop.order", 2, bytes)),
            Json(generated.decode("shop.order", 2, bytes)));
  EXPECT_EQ(described->encode("shop.order", 2, order), bytes);
}

TEST(DescriptorSet, RefusesWhatItCannotMakeACodecOf) {
  FileDescriptorProto importing = file_with("shop.order.v1.proto", {"Order", "Line"});
  importing.add_dependency("shop/money.proto");
  struct Row {
    std::string_view name;
    std::string bytes;
    std::string_view says;
  };
  const Row rows[] = {
      {"nothing", "", "no descriptor set"},
      {"text", "syntax = \"proto3\";", "no descriptor set"},
      {"an empty set", set_of({file_with("shop.proto", {"Line"})}), "<type>.v<version>.proto"},
      {"no version", set_of({file_with("shop.order.vX.proto", {"Line"})}), "<type>.v<version>"},
      {"version 0", set_of({file_with("shop.order.v0.proto", {"Line"})}), "<type>.v<version>"},
      {"no message", set_of({file_with("shop.order.v1.proto", {})}), "has 0 messages"},
      {"two messages", set_of({file_with("shop.order.v1.proto", {"Line", "LaterOrder"})}),
       "has 2 messages"},
      {"a message without its field's", set_of({file_with("shop.order.v1.proto", {"Order"})}),
       "Line"},
      {"a missing import", set_of({importing}), "--include_imports"},
      {"the same event twice",
       set_of({file_with("a/shop.order.v1.proto", {"Line"}),
               [] {
                 auto other = file_with("b/shop.order.v1.proto", {"Line"});
                 other.set_package("other");
                 return other;
               }()}),
       "already"},
  };
  for (const Row& row : rows) {
    const Error error = error_of([&] { codec_of_descriptor_set(row.bytes); });
    EXPECT_EQ(error.condition(), Condition::invalid_input) << row.name;
    EXPECT_THAT(error.detail(), HasSubstr(std::string(row.says))) << row.name;
  }
}

}  // namespace
}  // namespace sinew::protobuf
