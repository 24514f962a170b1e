#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "sinew/wire/test_transcript.hpp"

// Whatever arrives as a stream of answers, it is understood the same however it is split.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sinew::wire;
  constexpr std::size_t kLongest = 2048;  // byte by byte costs the square
  if (size > kLongest) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data), size);

  // The method that is answered decides on the body.
  for (const Method method : {Method::get, Method::head, Method::connect}) {
    const std::string expected = test::whole(test::answer_receiver(method), stream);
    const std::size_t cut = size == 0 ? 0 : data[size - 1] * size / 256;
    if (test::cut_in_two(test::answer_receiver(method), stream, cut) != expected) std::abort();
    if (test::byte_by_byte(test::answer_receiver(method), stream) != expected) std::abort();
  }
  return 0;
}
