#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <concepts>
#include <string>
#include <utility>

#include "adapters/protobuf/mapping.hpp"

namespace sinew::protobuf {
namespace {

using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

class Filling {
 public:
  void run(Message& message, const JsonObject& data) {
    fill(message, data);
    reader_.finish();
  }

 private:
  using Step = JsonReader::Step;

  void fill(Message& message, const JsonObject& data) {
    for (const JsonMember& member : data.members()) {
      if (member.value.is_null()) continue;  // as if it were not there
      const Step step(reader_, member.name);
      const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(member.name);
      if (field == nullptr) {
        reader_.fail("has no field of that name in " + message.GetTypeName());
      } else {
        fill_field(message, *field, member.value);
      }
    }
  }

  void fill_field(Message& message, const FieldDescriptor& field, const Json& json) {
    if (field.is_map()) return fill_map(message, field, json);
    if (!field.is_repeated()) return put(message, field, json);
    if (!json.is_array()) return reader_.expected("a list", json);
    const JsonArray& items = json.as_array();
    for (std::size_t i = 0; i < items.size(); ++i) {
      const Step step(reader_, i);
      put(message, field, items[i]);
    }
  }

  // A map is a list of entries with the fields key and value.
  void fill_map(Message& message, const FieldDescriptor& field, const Json& json) {
    if (!json.is_object()) return reader_.expected("an object", json);
    for (const JsonMember& member : json.as_object().members()) {
      const Step step(reader_, member.name);
      Message& entry = *message.GetReflection()->AddMessage(&message, &field);
      entry.GetReflection()->SetString(&entry, field.message_type()->map_key(), member.name);
      put(entry, *field.message_type()->map_value(), member.value);
    }
  }

  // Sets the field, or adds to it when it is repeated.
  void put(Message& message, const FieldDescriptor& field, const Json& json) {
    using R = Reflection;
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_BOOL:
        if (json.kind() != JsonKind::boolean) return reader_.expected("true or false", json);
        return place(message, field, json.as_bool(), &R::SetBool, &R::AddBool);
      case FieldDescriptor::CPPTYPE_INT32:
        return put_integer(message, field, json, &R::SetInt32, &R::AddInt32);
      case FieldDescriptor::CPPTYPE_INT64:
        return put_integer(message, field, json, &R::SetInt64, &R::AddInt64);
      case FieldDescriptor::CPPTYPE_UINT32:
        return put_integer(message, field, json, &R::SetUInt32, &R::AddUInt32);
      case FieldDescriptor::CPPTYPE_DOUBLE:
        if (json.kind() != JsonKind::number && json.kind() != JsonKind::integer) {
          return reader_.expected("a number", json);
        }
        return place(message, field, json.as_number(), &R::SetDouble, &R::AddDouble);
      case FieldDescriptor::CPPTYPE_STRING:
        if (!json.is_string()) return reader_.expected("a string", json);
        return place(message, field, json.as_string(), &R::SetString, &R::AddString);
      case FieldDescriptor::CPPTYPE_ENUM: return put_enum(message, field, json);
      case FieldDescriptor::CPPTYPE_MESSAGE: return put_message(message, field, json);
      default: return reader_.fail("has a field of a type that no member stands for");
    }
  }

  template <class T, class V>
  void place(Message& message, const FieldDescriptor& field, V value,
             void (Reflection::*set)(Message*, const FieldDescriptor*, T) const,
             void (Reflection::*add)(Message*, const FieldDescriptor*, T) const) {
    (message.GetReflection()->*(field.is_repeated() ? add : set))(&message, &field,
                                                                  static_cast<T>(std::move(value)));
  }

  template <std::integral T>
  void put_integer(Message& message, const FieldDescriptor& field, const Json& json,
                   void (Reflection::*set)(Message*, const FieldDescriptor*, T) const,
                   void (Reflection::*add)(Message*, const FieldDescriptor*, T) const) {
    const bool fits = json.kind() == JsonKind::integer && std::in_range<T>(json.as_integer());
    if (!fits) return reader_.expected("an integer in the range of the field", json);
    place(message, field, json.as_integer(), set, add);
  }

  void put_enum(Message& message, const FieldDescriptor& field, const Json& json) {
    const EnumValueDescriptor* value =
        json.is_string() ? field.enum_type()->FindValueByName(json.as_string()) : nullptr;
    if (value == nullptr) return reader_.expected("a name of " + field.enum_type()->name(), json);
    const Reflection& reflection = *message.GetReflection();
    if (field.is_repeated()) {
      reflection.AddEnum(&message, &field, value);
    } else {
      reflection.SetEnum(&message, &field, value);
    }
  }

  void put_message(Message& message, const FieldDescriptor& field, const Json& json) {
    if (!json.is_object()) return reader_.expected("an object", json);
    const Reflection& reflection = *message.GetReflection();
    Message& inner = field.is_repeated() ? *reflection.AddMessage(&message, &field)
                                         : *reflection.MutableMessage(&message, &field);
    fill(inner, json.as_object());
  }

  JsonReader reader_{ReadMode::strict};
};

}  // namespace

void fill(Message& message, const JsonObject& data) { Filling().run(message, data); }

}  // namespace sinew::protobuf
