#include "sinew/proxy/cluster/prober.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "sinew/async/runtime.hpp"
#include "sinew/async/stream.hpp"
#include "sinew/base/error.hpp"
#include "sinew/tls/tls_stream.hpp"
#include "sinew/wire/answer_parser.hpp"

namespace sinew::proxy {
namespace {

ProbeResult no_answer(std::string reason) {
  return {.signal = HealthSignal::tcp_failure, .reason = std::move(reason)};
}

ProbeResult result_of(const std::error_code& error, std::string reason) {
  if (error == std::errc::timed_out || error == Condition::timeout) {
    return {.signal = HealthSignal::timeout, .reason = std::move(reason)};
  }
  const bool ours = error == std::errc::operation_canceled || error == Condition::cancelled ||
                    error == Condition::exhausted;
  if (ours) return {.reason = std::move(reason)};
  return no_answer(std::move(reason));
}

std::string host_of(const Probe& probe, const EndpointAddress& address) {
  if (!probe.host.empty()) return probe.host;
  const bool brackets = address.host.find(':') != std::string::npos;
  const std::uint16_t usual = probe.kind == Probe::Kind::https ? 443 : 80;
  auto host = brackets ? fmt::format("[{}]", address.host) : address.host;
  return address.port == usual ? host : fmt::format("{}:{}", host, address.port);
}

std::string head_of(const Probe& probe, const EndpointAddress& address) {
  auto head =
      fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nUser-Agent: sinew-probe\r\n",
                  probe.path, host_of(probe, address));
  for (const auto& [name, value] : probe.headers)
    head += fmt::format("{}: {}\r\n", name, value);
  return head + "\r\n";
}

// Reads on until the head of the final answer is whole.
Task<ProbeResult> read_status(async::Stream& stream) {
  const wire::HeadLimits limits;
  wire::AnswerParser parser(wire::Method::get, limits);
  std::vector<std::byte> received;
  while (true) {
    auto progress = parser.parse(received);
    while (progress == wire::Progress::complete && wire::is_interim(parser.head())) {
      received.erase(received.begin(), received.begin() + parser.head().bytes);
      parser.next_answer();
      progress = parser.parse(received);
    }
    if (progress == wire::Progress::complete) co_return ProbeResult{.status = parser.head().status};
    if (progress == wire::Progress::refused) co_return no_answer("the answer is no HTTP");

    const auto known = received.size();
    received.resize(limits.head_bytes());
    const auto read = stream.try_read(std::span(received).subspan(known));
    received.resize(known + read.bytes);
    if (read.end_of_stream) co_return no_answer("the connection ended before an answer");
    auto error = read.error;
    if (error == std::errc::operation_would_block) error = co_await stream.readable();
    if (error) co_return result_of(error, "no answer: " + error.message());
  }
}

Task<ProbeResult> ask(const Probe& probe, const EndpointAddress& address) {
  auto& runtime = *(co_await async::this_context()).runtime;
  auto stream = co_await runtime.connect({address.address, address.port});
  if (probe.kind == Probe::Kind::tcp) co_return ProbeResult{.signal = HealthSignal::success};
  if (probe.kind == Probe::Kind::https) {
    const auto& name = probe.server_name.empty() ? address.host : probe.server_name;
    auto secured = tls::TlsStream::client(std::move(stream), probe.tls, {.name = name});
    if (const auto error = co_await secured->handshake()) {
      co_return result_of(error, secured->failure());
    }
    stream = std::move(secured);
  }
  const auto head = head_of(probe, address);
  if (const auto error = co_await write_all(*stream, std::as_bytes(std::span(head)))) {
    co_return result_of(error, "not sent: " + error.message());
  }
  co_return co_await read_status(*stream);
}

}  // namespace

Task<ProbeResult> send_probe(const Probe& probe, const EndpointAddress& address, Instant deadline) {
  try {
    co_return co_await async::with_deadline(deadline, ask(probe, address));
  } catch (const Error& error) {
    co_return result_of(error.code(), error.detail());
  }
}

}  // namespace sinew::proxy
