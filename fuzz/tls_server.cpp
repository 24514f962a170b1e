#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "sinew/async/scope.hpp"
#include "sinew/async/test_runtime.hpp"
#include "sinew/tls/test_certificates.hpp"
#include "sinew/tls/test_pipe.hpp"
#include "sinew/tls/tls_stream.hpp"

namespace {

using namespace sinew::tls;

std::shared_ptr<const ServerContext> make_context() {
  const test::Authority authority;
  ServerOptions options;
  options.identities.push_back({authority.certificate({.names = "DNS:*.test,DNS:a.test"})});
  options.applications = {"h2", "http/1.1"};
  options.client_certificates = ClientCertificates::optional;
  options.client_authorities = authority.pem();
  options.ticket_keys = std::make_shared<TicketKeys>();
  return *ServerContext::make(std::move(options));
}

sinew::Task<void> shake(TlsStream& stream, std::error_code& error, bool& over) {
  error = co_await stream.handshake();
  over = true;
}

}  // namespace

// Whatever a client says first, in two pieces and then its end, is refused: no certificate of ours
// is completed by chance. The handshake ends, with an error.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto context = make_context();
  if (size > test::Pipe::capacity) return 0;
  const auto bytes = std::as_bytes(std::span(data, size));
  const std::size_t cut = size == 0 ? 0 : data[size - 1] * size / 256;
  test::Pipe client;
  auto below = std::make_unique<test::Pipe>();
  test::Pipe::connect(client, *below);
  const auto server = TlsStream::server(std::move(below), context);

  sinew::async::TestRuntime runtime;
  sinew::async::Scope scope(runtime);
  std::error_code error;
  bool over = false;
  scope.spawn(shake(*server, error, over));
  client.try_write(bytes.first(cut));
  runtime.settle();
  client.try_write(bytes.subspan(cut));
  runtime.settle();
  client.shutdown_write();
  runtime.settle();
  if (!over || !error || server->established()) std::abort();
  return 0;
}
