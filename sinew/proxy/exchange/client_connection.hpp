#pragma once

#include <memory>
#include <string>

#include "sinew/async/intrusive_list.hpp"
#include "sinew/proxy/exchange/exchange.hpp"

namespace sinew::proxy {

struct ClientConnectionTag;

// What a listener tells its connections, as the configuration changes.
struct ListenerState {
  std::shared_ptr<const ListenerSettings> settings;
  std::shared_ptr<const tls::ServerContext> tls;
  bool listening = true;  // it is still one of the configuration
};

// A client's connection: who it is (PROXY protocol, TLS), then one exchange after the other.
// Between two requests it holds no buffer. Owned by its own coroutine.
class ClientConnection : public async::ListHook<ClientConnectionTag> {
 public:
  ClientConnection(WorkerContext& worker, std::shared_ptr<const ListenerState> listener,
                   std::unique_ptr<async::Stream> stream);
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;

  // Until it is over. Throws nothing.
  Task<void> serve();

  // The worker ends: closes it now when it is between two requests, and no byte of the next has
  // come; else its answer is the last. One that has not asked for anything yet may still do so,
  // unless `fresh_too`.
  void drain(bool fresh_too) noexcept;

 private:
  Task<bool> introduce();
  Task<bool> read_proxy_header();
  Task<bool> handshake();
  Task<void> answer_plain_http();
  Task<bool> await_request();
  Task<void> linger();
  void take_listener() noexcept;
  Instant now() const noexcept { return worker_.runtime.now(); }

  WorkerContext& worker_;
  std::shared_ptr<const ListenerState> listener_;
  ClientLine line_;
  bool between_requests_ = false;
};

}  // namespace sinew::proxy
