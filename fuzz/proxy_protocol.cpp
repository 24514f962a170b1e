#include "sinew/wire/proxy_protocol.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

// Whatever a connection begins with, its verdict is the same however the bytes were split, and no
// slice leaves the header.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sinew::wire;
  const Bytes received = std::as_bytes(std::span(data, size));
  ProxyHeader whole;
  Fault fault;
  const Progress progress = parse_proxy_header(received, {}, whole, fault);
  if (progress == Progress::complete) {
    if (whole.bytes > size) std::abort();
    for (const Slice part :
         {whole.client_path, whole.server_path, whole.authority, whole.ssl, whole.unique_id}) {
      if (part.offset + part.length > whole.bytes) std::abort();
    }
  }

  ProxyHeader header;
  Fault earlier = Fault::none;
  Progress split = Progress::incomplete;
  const std::size_t looked_at = std::min<std::size_t>(size, 5000);
  for (std::size_t length = 0; length <= looked_at && split == Progress::incomplete; ++length)
    split = parse_proxy_header(received.first(length), {}, header, earlier);
  if (split != progress || earlier != fault || header.bytes != whole.bytes) std::abort();
  return 0;
}
