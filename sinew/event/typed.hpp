#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>
#include <utility>

#include "sinew/base/bytes.hpp"
#include "sinew/base/described.hpp"
#include "sinew/event/envelope.hpp"
#include "sinew/event/payload_codec.hpp"
#include "sinew/event/upcasters.hpp"

// Typed events and commands: structs described for JSON that carry their type.
//
//   struct OrderPlaced {
//     static constexpr event::EventType type{"sales.order.placed", 2};
//     OrderId order_id;
//     Money total;
//   };
//   BOOST_DESCRIBE_STRUCT(OrderPlaced, (), (order_id, total))
//
//   Envelope e = seal(placed, {.id = runtime.new_id(), .source = "/sales", .ordering_key = key});
//   OrderPlaced placed = open<OrderPlaced>(e, upcasters);
namespace sinew::event {

template <class E>
concept Typed = requires {
  { E::type } -> std::convertible_to<const EventType&>;
};

// A command says with which struct it is answered.
template <class C>
concept TypedCommand = Typed<C> && Typed<typename C::Reply>;

// The data of an event or command, as its JSON text: the form of event logs, whatever the encoding
// of its messages.
template <Typed E>
SharedBytes write_data(const E& event) {
  return SharedBytes(to_text(to_json(event)));
}

// The object that `data` of `type` in `version` is, lifted to the version of `wanted`. Throws as
// read_data.
JsonObject lift_data(const EventType& wanted, std::string_view type, std::int32_t version,
                     const SharedBytes& data, const Upcasters& upcasters);

// The same for an object that is decoded already.
JsonObject lift_data(const EventType& wanted, std::string_view type, std::int32_t version,
                     JsonObject data, const Upcasters& upcasters);

// The struct that `data` of `type` in `version` is, as a tolerant reader: members it does not know
// are ignored. Errors: invalid_input (another type, no JSON object, or a DocumentError with every
// wrong member), unsupported (see Upcasters::lift).
template <Typed E>
E read_data(std::string_view type, std::int32_t version, const SharedBytes& data,
            const Upcasters& upcasters = {}) {
  return from_json<E>(Json(lift_data(E::type, type, version, data, upcasters)));
}

// `header` with the type, version and data of `event`, in the encoding of its type: the rest of it
// is the caller's. Errors: those of Codecs::encode.
template <Typed E>
Envelope seal(const E& event, Envelope header, const Codecs& codecs = json_only()) {
  header.type = E::type.name;
  header.version = E::type.version;
  header.content_type = E::type.content_type;
  header.data = codecs.encode(E::type, to_json(event).as_object());
  return header;
}

// The inverse, whatever encoding the struct's own type is written in: the message's content type
// decides. Errors as read_data, and those of Codecs::decode.
template <Typed E>
E open(const Envelope& envelope, const Upcasters& upcasters = {},
       const Codecs& codecs = json_only()) {
  JsonObject data =
      codecs.decode(envelope.content_type, envelope.type, envelope.version, envelope.data);
  return from_json<E>(
      Json(lift_data(E::type, envelope.type, envelope.version, std::move(data), upcasters)));
}

}  // namespace sinew::event
