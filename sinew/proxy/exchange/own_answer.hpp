#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "sinew/proxy/exchange/filter.hpp"
#include "sinew/proxy/exchange/incoming_request.hpp"
#include "sinew/proxy/exchange/outbound.hpp"
#include "sinew/proxy/observe/response_flag.hpp"

namespace sinew::proxy {

// How an answer goes out on this connection.
struct AnswerMode {
  bool head_request = false;  // no body, whatever the head says
  bool close = false;         // the last one of the connection
  bool old_client = false;    // HTTP/1.0
};

// What a client is told of a fault of its own.
Refusal refusal_of(wire::Fault fault) noexcept;

// What an answer of our own says beside its status.
struct OwnAnswer {
  int status = 500;
  std::string_view message;
  std::string_view request_id;
  ResponseFlags flags;
  std::string_view server;  // the token for Server
  std::string_view location = {};
  int retry_after = 0;  // seconds; 0: not said
};

// Puts it into `out`, with a body as Kong's: {"message":"...","request_id":"..."}.
void put_own_answer(const OwnAnswer& answer, const AnswerMode& mode, Http1Out& out) noexcept;
// The same for an answer that a filter gave. The answer stays until it is flushed. False: its
// fields cannot stand in a head.
bool put_early_answer(const EarlyAnswer& answer, std::string_view request_id,
                      const AnswerMode& mode, Http1Out& out) noexcept;

}  // namespace sinew::proxy
