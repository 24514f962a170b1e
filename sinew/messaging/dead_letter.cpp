#include "sinew/messaging/dead_letter.hpp"

#include <charconv>
#include <utility>

namespace sinew::messaging {
namespace {

// Of an attribute that anybody may have written: what is no number counts as none.
std::uint32_t number_in(const std::string& text) {
  std::uint32_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  constexpr std::uint32_t most = 1'000'000;
  return read.ec == std::errc() && number < most ? number : 0;
}

}  // namespace

void make_dead_letter(event::Envelope& envelope, const std::string& queue) {
  auto& extensions = envelope.extensions;
  if (auto expiry = extensions.extract("expirytime")) {
    expiry.key() = dead_letter::expiry;
    extensions.insert(std::move(expiry));
  }
  extensions.erase("notbefore");
  extensions[dead_letter::reason] = "expired";
  extensions[dead_letter::queue] = queue;
  extensions[dead_letter::count] = std::to_string(number_in(extensions[dead_letter::count]) + 1);
}

void revive(event::Envelope& envelope) {
  for (const char* name : {dead_letter::reason, dead_letter::queue, dead_letter::expiry})
    envelope.extensions.erase(name);
}

}  // namespace sinew::messaging
