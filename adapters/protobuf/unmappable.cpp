#include <google/protobuf/descriptor.h>

#include <set>
#include <string>

#include "adapters/protobuf/mapping.hpp"

namespace sinew::protobuf {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;

class Inspection {
 public:
  std::vector<JsonError> run(const Descriptor& descriptor) {
    inspect(descriptor);
    return std::move(errors_);
  }

 private:
  // Messages may contain themselves.
  void inspect(const Descriptor& message) {
    if (!seen_.insert(&message).second) return;
    if (message.file()->syntax() != FileDescriptor::SYNTAX_PROTO3) {
      errors_.push_back({message.full_name(), "is not proto3"});
    }
    if (message.file()->package() == "google.protobuf") {
      errors_.push_back({message.full_name(), "has a JSON form of its own: write text instead"});
      return;
    }
    for (int i = 0; i < message.field_count(); ++i)
      inspect(*message.field(i));
  }

  void inspect(const FieldDescriptor& field) {
    const std::string why = refusal(field);
    if (!why.empty()) errors_.push_back({field.full_name(), why});
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) inspect(*field.message_type());
  }

  static std::string refusal(const FieldDescriptor& field) {
    if (field.is_map() && field.message_type()->map_key()->type() != FieldDescriptor::TYPE_STRING) {
      return "is a map whose keys are not strings";
    }
    switch (field.type()) {
      case FieldDescriptor::TYPE_BYTES: return "is bytes: data of structs is text";
      case FieldDescriptor::TYPE_FLOAT: return "is a float, which loses digits: use double";
      case FieldDescriptor::TYPE_UINT64:
      case FieldDescriptor::TYPE_FIXED64: return "is beyond the integers here: use int64";
      case FieldDescriptor::TYPE_GROUP: return "is a group";
      default: return {};
    }
  }

  std::set<const Descriptor*> seen_;
  std::vector<JsonError> errors_;
};

}  // namespace

std::vector<JsonError> unmappable(const Descriptor& descriptor) {
  return Inspection().run(descriptor);
}

}  // namespace sinew::protobuf
