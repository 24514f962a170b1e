#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include "adapters/protobuf/mapping.hpp"
#include "sinew/base/error.hpp"

namespace sinew::protobuf {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

class Reading {
 public:
  explicit Reading(std::size_t max_values) : left_(max_values) {}

  JsonObject object(const Message& message) {
    JsonObject object;
    for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
      const FieldDescriptor& field = *message.GetDescriptor()->field(i);
      if (field.is_map()) {
        object.append(field.name(), map(message, field));
      } else if (field.is_repeated()) {
        object.append(field.name(), list(message, field));
      } else if (!field.has_presence() || message.GetReflection()->HasField(message, &field)) {
        object.append(field.name(), value(message, field));
      }
    }
    return object;
  }

 private:
  Json map(const Message& message, const FieldDescriptor& field) {
    const Reflection& reflection = *message.GetReflection();
    JsonObject object;
    for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
      const Message& entry = reflection.GetRepeatedMessage(message, &field, i);
      object.append(entry.GetReflection()->GetString(entry, field.message_type()->map_key()),
                    value(entry, *field.message_type()->map_value()));
    }
    return object;
  }

  Json list(const Message& message, const FieldDescriptor& field) {
    JsonArray array;
    const int size = message.GetReflection()->FieldSize(message, &field);
    for (int i = 0; i < size; ++i)
      array.push_back(item(message, field, i));
    return array;
  }

  Json value(const Message& message, const FieldDescriptor& field) {
    count();
    const Reflection& reflection = *message.GetReflection();
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_BOOL: return reflection.GetBool(message, &field);
      case FieldDescriptor::CPPTYPE_INT32: return reflection.GetInt32(message, &field);
      case FieldDescriptor::CPPTYPE_INT64: return reflection.GetInt64(message, &field);
      case FieldDescriptor::CPPTYPE_UINT32: return reflection.GetUInt32(message, &field);
      case FieldDescriptor::CPPTYPE_DOUBLE: return reflection.GetDouble(message, &field);
      case FieldDescriptor::CPPTYPE_STRING: return reflection.GetString(message, &field);
      case FieldDescriptor::CPPTYPE_ENUM:
        return name(field, reflection.GetEnumValue(message, &field));
      default: return object(reflection.GetMessage(message, &field));
    }
  }

  Json item(const Message& message, const FieldDescriptor& field, int i) {
    count();
    const Reflection& reflection = *message.GetReflection();
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_BOOL: return reflection.GetRepeatedBool(message, &field, i);
      case FieldDescriptor::CPPTYPE_INT32: return reflection.GetRepeatedInt32(message, &field, i);
      case FieldDescriptor::CPPTYPE_INT64: return reflection.GetRepeatedInt64(message, &field, i);
      case FieldDescriptor::CPPTYPE_UINT32: return reflection.GetRepeatedUInt32(message, &field, i);
      case FieldDescriptor::CPPTYPE_DOUBLE: return reflection.GetRepeatedDouble(message, &field, i);
      case FieldDescriptor::CPPTYPE_STRING: return reflection.GetRepeatedString(message, &field, i);
      case FieldDescriptor::CPPTYPE_ENUM:
        return name(field, reflection.GetRepeatedEnumValue(message, &field, i));
      default: return object(reflection.GetRepeatedMessage(message, &field, i));
    }
  }

  static Json name(const FieldDescriptor& field, int number) {
    const auto* value = field.enum_type()->FindValueByNumber(number);
    if (value != nullptr) return value->name();
    throw Error(Condition::invalid_input,
                fmt::format("{} has no value {}", field.full_name(), number));
  }

  void count() {
    if (left_ == 0) throw Error(Condition::invalid_input, "the message holds too many values");
    --left_;
  }

  std::size_t left_;
};

}  // namespace

JsonObject read(const Message& message, std::size_t max_values) {
  return Reading(max_values).object(message);
}

}  // namespace sinew::protobuf
