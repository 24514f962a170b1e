#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "sinew/async/reactor.hpp"
#include "sinew/tls/test_connection.hpp"

// With another program on real sockets: the openssl command.
namespace sinew::tls {
namespace {

using namespace test;
using async::Reactor;
using testing::HasSubstr;

struct ClosePipe {
  void operator()(std::FILE* pipe) const noexcept { ::pclose(pipe); }
};
using Command = std::unique_ptr<std::FILE, ClosePipe>;

class Interoperation : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(folder_);
    const Pem server = authority().issue({.common_name = "server", .names = "DNS:orders.test"});
    const Pem client = authority().issue({.common_name = "client"});
    write("authority", authority().pem());
    write("server", server.certificate + server.key);
    write("client", client.certificate + client.key);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) {
    std::FILE* file = std::fopen(path(name).c_str(), "wb");
    std::fwrite(text.data(), 1, text.size(), file);
    std::fclose(file);
  }
  std::string path(const std::string& name) const { return (folder_ / (name + ".pem")).string(); }

  static Command start(const std::string& command) {
    return Command(::popen((command + " 2>&1").c_str(), "r"));
  }
  static std::string rest_of(std::FILE& output) {
    std::string text;
    char line[1000];
    while (std::fgets(line, sizeof line, &output) != nullptr)
      text += line;
    return text;
  }

  // Accepts one connection from `openssl s_client`; gives what it printed.
  std::string served(const std::string& options, ServerOptions server_options,
                     std::error_code& error) {
    const auto context = serve(std::move(server_options));
    Command command;
    run([](Interoperation& self, const auto& served, const std::string& arguments, Command& started,
           std::error_code& result) -> Task<> {
      const auto listener = self.reactor_.listen({});
      started = start("echo " + self.input_ + " | openssl s_client -verify_return_error -CAfile " +
                      self.path("authority") + " -connect " + to_string(listener->local()) + " " +
                      arguments);
      const auto stream = TlsStream::server(co_await listener->accept(), served);
      result = co_await stream->handshake();
      if (result) co_return;
      std::vector<std::byte> buffer(100);
      while (stream->try_read(buffer).error == std::errc::operation_would_block)
        result = co_await stream->readable();
      result = co_await write_all(*stream,
                                  bytes_of("answer by " + std::string(stream->version()) + " to " +
                                           std::string(stream->server_name()) + " for " +
                                           std::string(stream->application()) + "\n"));
      stream->shutdown_write();
    }(*this, context, options, command, error));
    return rest_of(*command);
  }

  // No peer that is missing or silent holds a test up.
  void run(Task<> task) {
    reactor_.run(async::with_deadline(reactor_.now() + std::chrono::seconds(60), std::move(task)));
  }

  std::string input_ = "question";  // what s_client is told to say
  std::filesystem::path folder_ =
      std::filesystem::path(testing::TempDir()) / ("tls_peers" + std::to_string(::getpid()));
  async::OffloadPools pools_;
  Reactor reactor_{pools_};
};

TEST_F(Interoperation, ServesTheOpensslClient) {
  std::error_code error;
  ServerOptions options;
  options.applications = {"http/1.1"};

  EXPECT_THAT(served("-quiet -servername orders.test -alpn h2,http/1.1", options, error),
              HasSubstr("answer by TLSv1.3 to orders.test for http/1.1"));
  EXPECT_FALSE(error) << error.message();
  EXPECT_THAT(served("-quiet -servername orders.test -tls1_2 -alpn http/1.1", options, error),
              HasSubstr("answer by TLSv1.2 to orders.test for http/1.1"));
  EXPECT_FALSE(error) << error.message();
}

TEST_F(Interoperation, RefusesAnOldOpensslClient) {
  std::error_code error;

  const std::string output = served("-tls1_1 -cipher DEFAULT@SECLEVEL=0", {}, error);

  EXPECT_EQ(error, Fault::no_shared_version);
  EXPECT_THAT(output, HasSubstr("alert protocol version"));
}

TEST_F(Interoperation, RefusesToRenegotiate) {
  std::error_code error;
  input_ = "R";  // a command of s_client unless it is quiet

  const std::string output = served("-tls1_2", {}, error);

  EXPECT_THAT(output, HasSubstr("RENEGOTIATING"));
  EXPECT_THAT(output, HasSubstr("no renegotiation"));
  EXPECT_THAT(output, testing::Not(HasSubstr("answer by")));
}

TEST_F(Interoperation, KnowsTheOpensslClientByItsCertificate) {
  std::error_code error;
  ServerOptions options;
  options.client_certificates = ClientCertificates::required;
  options.client_authorities = authority().pem();

  EXPECT_THAT(served("-quiet -cert " + path("client"), options, error),
              HasSubstr("answer by TLSv1.3"));
  EXPECT_FALSE(error) << error.message();
  served("-quiet", options, error);
  EXPECT_EQ(error, Fault::certificate_required);
}

TEST_F(Interoperation, SpeaksWithTheOpensslServerAndResumes) {
  const Command command =
      start("openssl s_server -accept 127.0.0.1:0 -naccept 2 -rev -alpn http/1.1 -cert " +
            path("server"));
  char line[200] = "";
  unsigned port = 0;
  while (port == 0 && std::fgets(line, sizeof line, command.get()) != nullptr)
    if (std::sscanf(line, "ACCEPT 127.0.0.1:%u", &port) != 1) port = 0;
  ASSERT_NE(port, 0U);
  const auto context = call({.applications = {"http/1.1"}});
  ClientSessions sessions;

  for (const bool resumed : {false, true}) {
    run([](Reactor& reactor, const auto& called, ClientSessions& kept, std::uint16_t to,
           bool again) -> Task<> {
      const auto stream =
          TlsStream::client(co_await reactor.connect({.port = to}), called, {"orders.test"}, &kept);
      EXPECT_FALSE(co_await stream->handshake()) << stream->failure();
      EXPECT_EQ(stream->version(), "TLSv1.3");
      EXPECT_EQ(stream->application(), "http/1.1");
      EXPECT_EQ(stream->resumed(), again);
      EXPECT_FALSE(co_await write_all(*stream, bytes_of("abc\n")));
      std::vector<std::byte> buffer(100);
      async::IoResult got = stream->try_read(buffer);
      for (; got.error == std::errc::operation_would_block; got = stream->try_read(buffer))
        EXPECT_FALSE(co_await stream->readable());
      EXPECT_EQ(std::string(reinterpret_cast<char*>(buffer.data()), got.bytes), "cba\n");
    }(reactor_, context, sessions, static_cast<std::uint16_t>(port), resumed));
  }
}

}  // namespace
}  // namespace sinew::tls
