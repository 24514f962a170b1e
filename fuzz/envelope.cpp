#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/base/error.hpp"
#include "sinew/event/cloudevents.hpp"
#include "sinew/event/cloudevents_http.hpp"
#include "sinew/event/envelope_codec.hpp"

namespace {

using sinew::event::Envelope;

void require(bool holds) {
  if (!holds) std::abort();
}

// What came in goes out, and what goes out comes in as the same. (Data may be written another way
// once: as compact JSON.)
void check_cloudevent(std::string_view text) {
  Envelope envelope;
  try {
    envelope = sinew::event::from_cloudevent(text);
  } catch (const sinew::Error& error) {
    require(error.condition() == sinew::Condition::invalid_input ||
            error.condition() == sinew::Condition::unsupported);
    return;
  }
  const std::string written = sinew::event::to_cloudevent(envelope);
  require(sinew::event::to_cloudevent(sinew::event::from_cloudevent(written)) == written);
  require(sinew::event::decode(sinew::event::encode(envelope)) == envelope);
}

// A message as `name: value` lines, an empty line and the body.
void check_http(std::string_view input) {
  std::vector<sinew::event::HttpField> fields;
  while (!input.empty() && input.front() != '\n') {
    const std::string_view line = input.substr(0, input.find('\n'));
    input.remove_prefix(std::min(line.size() + 1, input.size()));
    const std::size_t colon = std::min(line.find(": "), line.size());
    fields.push_back({std::string(line.substr(0, colon)),
                      std::string(line.substr(std::min(colon + 2, line.size())))});
  }
  if (!input.empty()) input.remove_prefix(1);
  Envelope envelope;
  try {
    envelope = sinew::event::from_http(fields, input);
  } catch (const sinew::Error& error) {
    require(error.condition() == sinew::Condition::invalid_input ||
            error.condition() == sinew::Condition::unsupported);
    return;
  }
  // Data that is itself an event is taken in structured mode, and leaves in no other.
  if (envelope.content_type.find("loudevents") != std::string::npos) return;
  if (envelope.content_type.find("loudEvents") != std::string::npos) return;
  const auto written = sinew::event::to_http(envelope, sinew::event::HttpMode::binary);
  require(sinew::event::from_http(written.fields, written.body) == envelope);
}

void check_stored(std::string_view bytes) {
  try {
    const Envelope envelope = sinew::event::decode(bytes);
    require(sinew::event::decode(sinew::event::encode(envelope)) == envelope);
  } catch (const sinew::Error& error) {
    require(error.condition() == sinew::Condition::corrupt ||
            error.condition() == sinew::Condition::unsupported);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  check_cloudevent(input);
  check_http(input);
  check_stored(input);
  return 0;
}
