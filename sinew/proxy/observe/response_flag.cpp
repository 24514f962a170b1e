#include "sinew/proxy/observe/response_flag.hpp"

#include <array>

namespace sinew::proxy {
namespace {

struct Names {
  std::string_view code;
  std::string_view name;
};

constexpr std::array<Names, kResponseFlags> kNames{{
    {"DPE", "malformed_request"}, {"RTL", "request_too_large"},  {"RT", "request_timeout"},
    {"DC", "client_gone"},        {"SI", "client_stalled"},      {"NR", "no_route"},
    {"WS", "wrong_scheme"},       {"OM", "overloaded"},          {"DR", "draining"},
    {"FA", "filter_answered"},    {"IE", "internal_error"},      {"UH", "no_healthy_upstream"},
    {"UO", "upstream_overflow"},  {"UF", "connect_failed"},      {"UC", "upstream_closed"},
    {"UR", "upstream_reset"},     {"UPE", "upstream_malformed"}, {"UT", "upstream_timeout"},
    {"URX", "retries_exhausted"},
}};

}  // namespace

std::string_view to_string(ResponseFlag flag) noexcept {
  return kNames[static_cast<std::size_t>(flag)].name;
}

std::string_view code_of(ResponseFlag flag) noexcept {
  return kNames[static_cast<std::size_t>(flag)].code;
}

std::string_view write_codes(ResponseFlags flags, std::span<char> out) noexcept {
  std::size_t size = 0;
  const auto put = [&](std::string_view text) {
    if (text.size() > out.size() - size) return false;
    size += text.copy(out.data() + size, text.size());
    return true;
  };
  bool room = true;
  flags.for_each([&](ResponseFlag flag) {
    const std::size_t before = size;
    room = room && (size == 0 || put(",")) && put(code_of(flag));
    if (!room) size = before;
  });
  return {out.data(), size};
}

}  // namespace sinew::proxy
