#pragma once

#include <span>
#include <string_view>

#include "sinew/proxy/cluster/endpoint.hpp"
#include "sinew/proxy/exchange/filter.hpp"
#include "sinew/proxy/exchange/incoming_request.hpp"
#include "sinew/proxy/exchange/outbound.hpp"
#include "sinew/proxy/observe/request_identity.hpp"

namespace sinew::proxy {

// Everything that the head which goes on is made of.
struct OutgoingRequest {
  const IncomingRequest& request;
  const ClientConnectionFacts& connection;
  const RequestIdentity& identity;
  const Endpoint& endpoint;
  std::string_view pseudonym;
  std::string_view upgrade = {};             // the protocol that is asked for, if it may be
  const HeadEdits* edits = nullptr;          // of filters
  std::optional<std::uint64_t> length = {};  // of a body that filters have made anew
  bool rechunk = false;                      // filters change the body as it comes
  bool answered_expect = false;              // 100 was sent by us
};

// Puts the head of the request for the upstream into `out`. Faults: no_space for one that has grown
// beyond what is left for our own fields; else those of wire::OutgoingHead.
wire::Fault put_request_head(const OutgoingRequest& outgoing, Http1Out& out) noexcept;

}  // namespace sinew::proxy
