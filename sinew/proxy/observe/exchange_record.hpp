#pragma once

#include <cstdint>
#include <string_view>

#include "sinew/base/instant.hpp"
#include "sinew/base/time.hpp"
#include "sinew/base/trace.hpp"
#include "sinew/proxy/observe/response_flag.hpp"
#include "sinew/wire/bytes.hpp"
#include "sinew/wire/head.hpp"

namespace sinew::proxy {

struct Route;
class Cluster;
class Endpoint;

// What there is to say of one exchange when it is over. Everything is a view of the exchange, good
// during the call of ExchangeObserver::ended() only; what did not happen is empty, null or zero.
struct ExchangeRecord {
  Timestamp wall_began;  // wall clock
  Instant began;         // the first byte of the request was read
  Instant request_head;  // its head was whole
  Instant upstream;      // an upstream connection was there, of the last attempt
  Instant answer_head;   // the answer's head was whole
  Instant ended;

  // The request; nullptr and empty where no head was understood.
  const wire::RequestHead* request = nullptr;
  wire::Bytes received = {};     // the buffer that `request` is of
  std::string_view path = {};    // in canonical form
  std::string_view peer = {};    // the connection's other end, address and port
  std::string_view client = {};  // the client's address after the trusted ones; or the peer's
  std::string_view request_id = {};
  const TraceContext* trace = nullptr;
  std::string_view listener = {};  // address and port
  std::string_view tls_version = {};
  std::string_view server_name = {};  // SNI

  // The upstream's head as it came, where its buffer is still there; nullptr otherwise.
  const wire::AnswerHead* answer = nullptr;
  wire::Bytes answer_bytes = {};

  // The answer as the client got it.
  int status = 0;  // 499: the client has gone before; 0: none was sent
  std::uint64_t request_body_bytes = 0;
  std::uint64_t answer_body_bytes = 0;
  std::uint64_t received_bytes = 0;  // heads, framing and bodies, without TLS
  std::uint64_t sent_bytes = 0;
  bool upgraded = false;

  // The way it took.
  const Route* route = nullptr;
  const Cluster* cluster = nullptr;
  const Endpoint* endpoint = nullptr;  // of the last attempt
  int upstream_status = 0;             // what the endpoint answered in the last attempt
  int attempts = 0;
  bool reused_connection = false;  // of the last attempt

  ResponseFlags flags;
  std::string_view reason = {};  // a sentence or a fault's name behind the flags
};

// Told of each exchange on its worker, on the hot path: no lock, no allocation in the steady state.
class ExchangeObserver {
 public:
  virtual void ended(const ExchangeRecord& record) noexcept = 0;

 protected:
  ~ExchangeObserver() = default;
};

}  // namespace sinew::proxy
