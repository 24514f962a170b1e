#include "sinew/http/server.hpp"

#include "sinew/async/scope.hpp"
#include "sinew/base/error.hpp"
#include "sinew/http/connection.hpp"
#include "sinew/http/problem.hpp"
#include "sinew/http/response_text.hpp"

namespace sinew::http {

struct Server::State {
  State(async::Runtime& runtime, Router router, const ServerOptions& options)
      : shared(runtime, std::move(router), options), scope(runtime, "http server") {}

  Task<void> accept();
  Task<void> serve(std::unique_ptr<async::Stream> stream);
  void turn_away(async::Stream& stream);

  ServerShared shared;
  std::unique_ptr<async::Listener> listener;
  async::Scope scope;  // last: its tasks use the rest
};

Server::Server(async::Runtime& runtime, Router router, ServerOptions options)
    : state_(std::make_unique<State>(runtime, std::move(router), options)) {}

Server::~Server() = default;

void Server::start(async::Endpoint endpoint) {
  state_->listener = state_->shared.runtime.listen(std::move(endpoint));
  state_->scope.spawn(state_->accept(), "http accept");
}

async::Endpoint Server::local() const { return state_->listener->local(); }

std::size_t Server::connections() const noexcept { return state_->shared.count; }

bool Server::draining() const noexcept { return state_->shared.draining; }

Task<void> Server::State::accept() {
  while (!shared.draining) {
    std::unique_ptr<async::Stream> stream;
    try {
      stream = co_await listener->accept();
    } catch (const Error& error) {
      if (shared.draining || error.condition() == Condition::cancelled) co_return;
      throw;
    }
    if (shared.count >= shared.options.max_connections) {
      turn_away(*stream);
    } else {
      scope.spawn(serve(std::move(stream)), "http connection");
    }
  }
}

Task<void> Server::State::serve(std::unique_ptr<async::Stream> stream) {
  Connection connection(shared, std::move(stream));
  co_await connection.serve();
}

// One attempt: whoever floods the server gets no memory for it.
void Server::State::turn_away(async::Stream& stream) {
  std::string out;
  const Response response = problem(503, "the server has as many connections as it takes");
  write_response(response, {.close = true, .date = shared.runtime.wall_now()}, out);
  stream.try_write(std::as_bytes(std::span(out)));
  stream.shutdown_write();
}

Task<void> Server::drain(Duration patience) {
  State& state = *state_;
  state.shared.draining = true;
  if (state.listener) state.listener->close();
  for (const Connection& connection : state.shared.connections) {
    const_cast<Connection&>(connection).drain();
  }
  try {
    co_await async::with_deadline(state.shared.runtime.now() + patience, state.shared.empty.wait());
  } catch (const Error&) {
    state.scope.cancel();
  }
  co_await state.scope.join();
}

}  // namespace sinew::http
