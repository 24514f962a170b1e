#include "adapters/protobuf/descriptor_set.hpp"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>

#include <charconv>
#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "sinew/base/error.hpp"

namespace sinew::protobuf {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::DynamicMessageFactory;
using google::protobuf::FileDescriptor;
using google::protobuf::FileDescriptorProto;
using google::protobuf::FileDescriptorSet;

// What the codec's messages live in, in the order in which they need each other.
struct Described {
  DescriptorPool pool;
  DynamicMessageFactory factory{&pool};
  Codec codec;
};

// What is wrong with a file, instead of a line on standard error.
class Complaints final : public DescriptorPool::ErrorCollector {
 public:
  void AddError(const std::string& file, const std::string& element,
                const google::protobuf::Message*, ErrorLocation,
                const std::string& message) override {
    if (first.empty()) first = fmt::format("{}: {}: {}", file, element, message);
  }
  std::string first;
};

struct EventName {
  std::string_view type;
  std::int32_t version = 0;
};

// `shop.order` and 1 of `shop/contract/shop.order.v1.proto`.
std::optional<EventName> event_of(std::string_view path) {
  constexpr std::string_view ending = ".proto";
  const std::string_view file = path.substr(path.rfind('/') + 1);
  const std::size_t mark = file.rfind(".v");
  if (!file.ends_with(ending) || mark == std::string_view::npos || mark == 0) return std::nullopt;
  EventName name{file.substr(0, mark)};
  const char* end = file.data() + file.size() - ending.size();
  const auto read = std::from_chars(file.data() + mark + 2, end, name.version);
  if (read.ec != std::errc() || read.ptr != end || name.version < 1) return std::nullopt;
  return name;
}

void add_used(const Descriptor& message, std::set<const Descriptor*>& used) {
  for (int i = 0; i < message.field_count(); ++i) {
    const Descriptor* type = message.field(i)->message_type();
    if (type != &message) used.insert(type);
  }
  for (int i = 0; i < message.nested_type_count(); ++i)
    add_used(*message.nested_type(i), used);
}

const Descriptor& event_message(const FileDescriptor& file) {
  std::set<const Descriptor*> used;
  for (int i = 0; i < file.message_type_count(); ++i)
    add_used(*file.message_type(i), used);
  const Descriptor* found = nullptr;
  int candidates = 0;
  for (int i = 0; i < file.message_type_count(); ++i) {
    if (used.contains(file.message_type(i))) continue;
    found = file.message_type(i);
    ++candidates;
  }
  if (candidates == 1) return *found;
  throw Error(Condition::invalid_input,
              fmt::format("{} has {} messages that could be the event: one must be used by no "
                          "other of the file",
                          file.name(), candidates));
}

// Files stand behind those that they import, as protoc writes them.
const FileDescriptor& build(DescriptorPool& pool, const FileDescriptorProto& file) {
  Complaints complaints;
  if (const FileDescriptor* built = pool.BuildFileCollectingErrors(file, &complaints)) {
    return *built;
  }
  throw Error(
      Condition::invalid_input,
      fmt::format("{}: was the descriptor set written with --include_imports?", complaints.first));
}

}  // namespace

std::shared_ptr<const Codec> codec_of_descriptor_set(std::string_view bytes) {
  FileDescriptorSet set;
  if (bytes.empty() || bytes.size() > std::size_t{64} << 20U ||
      !set.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    throw Error(Condition::invalid_input,
                "this is no descriptor set as `protoc --descriptor_set_out` writes it");
  }
  auto described = std::make_shared<Described>();
  bool any = false;
  for (const FileDescriptorProto& proto : set.file()) {
    const FileDescriptor& file = build(described->pool, proto);
    const auto name = event_of(file.name());
    if (!name) continue;
    described->codec.add(name->type, name->version,
                         *described->factory.GetPrototype(&event_message(file)));
    any = true;
  }
  if (any) return {described, &described->codec};
  throw Error(Condition::invalid_input,
              "the descriptor set has no file named <type>.v<version>.proto");
}

}  // namespace sinew::protobuf
