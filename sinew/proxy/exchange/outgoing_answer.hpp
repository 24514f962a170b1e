#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "sinew/proxy/exchange/filter.hpp"
#include "sinew/proxy/exchange/outbound.hpp"
#include "sinew/proxy/exchange/own_answer.hpp"
#include "sinew/wire/head.hpp"

namespace sinew::proxy {

// Everything that the head of an answer which goes on is made of.
struct OutgoingAnswer {
  const wire::AnswerHead& head;
  wire::Bytes received;
  AnswerMode mode;
  std::string_view request_id;
  std::string_view pseudonym;
  std::string_view upgrade = {};             // the protocol that was granted
  std::string_view set_cookie = {};          // of a cluster that hashes by a cookie; empty: none
  const HeadEdits* edits = nullptr;          // of filters
  std::optional<std::uint64_t> length = {};  // of a body that filters have made anew
  bool rechunk = false;                      // filters change the body as it comes
};

// How the body of an answer goes out to this client: `close` when the end of the connection is the
// only way to tell its end.
OutFraming framing_of(const OutgoingAnswer& answer) noexcept;

// Puts the head into `out`. Faults: those of wire::OutgoingHead.
wire::Fault put_answer_head(const OutgoingAnswer& answer, OutFraming framing,
                            Http1Out& out) noexcept;

// An interim answer, whole, if it is small enough for the scratch. False: left out.
bool put_interim_answer(const wire::AnswerHead& head, wire::Bytes received, Http1Out& out) noexcept;

}  // namespace sinew::proxy
