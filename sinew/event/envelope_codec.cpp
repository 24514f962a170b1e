#include "sinew/event/envelope_codec.hpp"

#include <cstdint>

#include "sinew/base/error.hpp"

namespace sinew::event {
namespace {

constexpr char format = 1;

class Writer {
 public:
  void number(std::uint64_t value) {
    while (value >= 0x80) {
      out.push_back(static_cast<char>((value & 0x7f) | 0x80));
      value >>= 7;
    }
    out.push_back(static_cast<char>(value));
  }
  void text(std::string_view value) {
    number(value.size());
    out.append(value);
  }
  void id(const Uuid& value) { out.append(value.bytes()); }

  std::string out;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  char byte() { return take(1).front(); }
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto part = static_cast<unsigned char>(byte());
      value |= static_cast<std::uint64_t>(part & 0x7f) << shift;
      if (part < 0x80) return value;
    }
    throw broken();
  }
  std::int32_t small_number() {
    const std::uint64_t value = number();
    if (value > INT32_MAX) throw broken();
    return static_cast<std::int32_t>(value);
  }
  std::string_view text() { return take(number()); }
  Uuid id() { return Uuid::from_bytes(take(Uuid::byte_count)); }
  bool at_end() const { return rest_.empty(); }

  static Error broken() {
    return Error(Condition::corrupt, "a stored message is not an envelope: its row was damaged");
  }

 private:
  std::string_view take(std::uint64_t size) {
    if (size > rest_.size()) throw broken();
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  std::string_view rest_;
};

}  // namespace

std::string encode(const Envelope& envelope) {
  Writer writer;
  writer.out.reserve(256 + envelope.data.size());
  writer.out.push_back(format);
  writer.id(envelope.id);
  writer.text(envelope.source);
  writer.text(envelope.type);
  writer.number(static_cast<std::uint64_t>(envelope.version));
  writer.text(envelope.subject);
  writer.text(envelope.ordering_key);
  writer.text(envelope.reply_to);
  writer.number(static_cast<std::uint64_t>(to_micros(envelope.time)));
  writer.text(envelope.content_type);
  writer.id(envelope.lineage.correlation_id);
  writer.id(envelope.lineage.causation_id);
  writer.text(envelope.lineage.traceparent);
  writer.number(static_cast<std::uint64_t>(envelope.lineage.hops));
  writer.number(envelope.extensions.size());
  for (const auto& [name, value] : envelope.extensions) {
    writer.text(name);
    writer.text(value);
  }
  writer.text(envelope.data.view());
  return std::move(writer.out);
}

Envelope decode(std::string_view bytes) {
  Reader reader(bytes);
  if (reader.byte() != format) {
    throw Error(Condition::unsupported,
                "a stored message has a format of a newer Sinew; run the version that wrote it");
  }
  Envelope envelope;
  envelope.id = reader.id();
  envelope.source = reader.text();
  envelope.type = reader.text();
  envelope.version = reader.small_number();
  envelope.subject = reader.text();
  envelope.ordering_key = reader.text();
  envelope.reply_to = reader.text();
  envelope.time = from_micros(static_cast<std::int64_t>(reader.number()));
  envelope.content_type = reader.text();
  envelope.lineage.correlation_id = reader.id();
  envelope.lineage.causation_id = reader.id();
  envelope.lineage.traceparent = reader.text();
  envelope.lineage.hops = reader.small_number();
  const std::uint64_t extensions = reader.number();
  if (extensions > Envelope::max_extensions) throw Reader::broken();
  for (std::uint64_t i = 0; i < extensions; ++i) {
    std::string name(reader.text());
    envelope.extensions[std::move(name)] = reader.text();
  }
  envelope.data = SharedBytes(std::string(reader.text()));
  if (!reader.at_end()) throw Reader::broken();
  return envelope;
}

}  // namespace sinew::event
