#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "sinew/base/error.hpp"
#include "sinew/event/cloudevents.hpp"
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
  check_stored(input);
  return 0;
}
