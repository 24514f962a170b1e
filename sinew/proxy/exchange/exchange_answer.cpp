#include <algorithm>

#include "sinew/proxy/exchange/exchange.hpp"
#include "sinew/wire/hop_by_hop.hpp"

// The answer of an upstream on its way to the client, and what is left of the request behind it.
namespace sinew::proxy {

using Body = Filter::LooksAt::Body;

// The head is there.
Task<void> Exchange::pass_answer() {
  const wire::AnswerHead& head = answer_parser_.head();
  if (head.status == 101 &&
      (upgrade().empty() || !wire::grants_upgrade(head, answer_bytes_, upgrade()))) {
    refuse({502, ResponseFlag::upstream_malformed,
            "An invalid response was received from the upstream server",
            "101 for what was not asked for"});
    co_return;
  }
  answer_body_->begin(head.framing, {.body_bytes = UINT64_MAX});
  if (filters_) {
    const Body filtered = incoming_.route->filters.looks_at().answer_body;
    if (filtered == Body::whole && !co_await gather_answer()) co_return;
    if (!co_await filter_answer_head()) co_return;
  }
  if (!begin_answer()) co_return;
  co_await move_answer();
}

// False: an answer of our own is there instead.
bool Exchange::begin_answer() noexcept {
  const wire::AnswerHead& head = answer_parser_.head();
  const bool filtered = filters_ && head.framing.has_body() &&
                        incoming_.route->filters.looks_at().answer_body == Body::pieces;
  OutgoingAnswer outgoing{.head = head,
                          .received = answer_bytes_,
                          .mode = answer_mode(),
                          .request_id = identity_.id(),
                          .pseudonym = snapshot_->shared->pseudonym,
                          .upgrade = upgrade(),
                          .set_cookie = cookie_,
                          .edits = filters_ ? &filter_context_.answer_edits : nullptr,
                          .length = whole_answer_,
                          .rechunk = filtered};
  const OutFraming framing = framing_of(outgoing);
  tunnel_ = framing == OutFraming::tunnel;
  close_ = outgoing.mode.close = outgoing.mode.close || framing == OutFraming::close || tunnel_;
  if (out_.empty()) sent_before_answer_ = out_.sent();
  const wire::Fault fault = put_answer_head(outgoing, framing, out_);
  if (fault != wire::Fault::none) {
    close_ = false;
    refuse({502, ResponseFlag::upstream_malformed,
            "An invalid response was received from the upstream server", to_string(fault)});
    return false;
  }
  record_.status = head.status;
  record_.answer = &head;
  record_.answer_bytes = answer_bytes_;
  record_.upgraded = tunnel_;
  answer_begun_ = true;
  if (whole_answer_) {
    answer_source_.replace(std::move(gathered_));
    answer_flow_ = Flow(answer_source_, out_, false);
  } else {
    answer_flow_ = Flow(*answer_body_, out_, filtered);
  }
  if (tunnel_) begin_tunnel();
  return true;
}

// From here on the client's bytes are no HTTP any more, either.
void Exchange::begin_tunnel() noexcept {
  body_.begin({.kind = wire::Framing::Kind::tunnel}, {.body_bytes = UINT64_MAX});
  request_body_.begin(body_, 0);
  upstream_out_.tunnel();
  request_flow_ = Flow(request_body_, upstream_out_, false);
  request_broken_ = false;
}

Task<void> Exchange::move_answer() {
  for (;;) {
    edges_.clear();
    const Flow::State answer = answer_flow_.move();
    switch (answer) {
      case Flow::State::done:
        if (tunnel_) break;
        answer_done_ = true;
        end_upstream();
        co_return;
      case Flow::State::sink_failed: client_gone(); co_return;
      case Flow::State::source_closed:
        co_return cut(ResponseFlag::upstream_closed,
                      "the upstream closed the connection in its answer");
      case Flow::State::source_broken:
        co_return cut(ResponseFlag::upstream_reset,
                      "the upstream reset the connection in its answer");
      case Flow::State::source_malformed:
        co_return cut(ResponseFlag::upstream_malformed, to_string(answer_body_->fault()));
      case Flow::State::to_filter:
        if (!co_await filter_answer_piece()) co_return;
        continue;
      default: break;
    }
    const Flow::State request = co_await move_rest_of_request();
    if (gone_ || cut_) co_return;
    if (tunnel_ && answer == Flow::State::done && request == Flow::State::done) {
      answer_done_ = true;
      co_return;
    }
    look_at_paces();
    const Until until = moving_deadline(request, answer);
    switch (co_await edges_.wait(until.at)) {
      case Edges::Woken::edge: break;
      case Edges::Woken::cancelled: gone_ = true; co_return;
      case Edges::Woken::late: co_return cut_late(until.what);
    }
  }
}

// Of the request what is not sent yet, while the answer is under way.
Task<Flow::State> Exchange::move_rest_of_request() {
  for (;;) {
    const Flow::State request = request_broken_ ? Flow::State::done : request_flow_.move();
    switch (request) {
      case Flow::State::to_filter:
        if (!co_await filter_request_piece()) co_return Flow::State::done;
        continue;
      case Flow::State::sink_failed: request_broken_ = true; co_return Flow::State::done;
      case Flow::State::source_closed:
      case Flow::State::source_broken: client_gone(); break;
      case Flow::State::source_malformed:
        cut(ResponseFlag::malformed_request, to_string(body_.fault()));
        break;
      case Flow::State::done:
        if (!tunnel_) client_stays();
        break;
      default: break;
    }
    co_return request;
  }
}

Exchange::Until Exchange::moving_deadline(Flow::State request, Flow::State answer) const noexcept {
  Until until;
  const auto after = [](Instant at, Duration most) {
    return most > Duration::zero() ? at + most : Instant::max();
  };
  if (tunnel_) {
    const Instant last =
        std::max({client_sends_.at, client_reads_.at, upstream_reads_.at, upstream_sends_.at});
    until.no_later_than(after(last, limits().stream_timeout), Late::tunnel);
    return until;
  }
  if (answer == Flow::State::sink_waits) {
    until.no_later_than(after(client_reads_.at, listener_->send_timeout), Late::client_reads);
  } else {
    until.no_later_than(
        after(std::max(upstream_sends_.at, client_sends_.at), limits().read_timeout),
        Late::upstream_sends);
  }
  if (request == Flow::State::source_waits) {
    until.no_later_than(after(client_sends_.at, listener_->body_timeout), Late::client_body);
  }
  return until;
}

void Exchange::cut_late(Late what) noexcept {
  switch (what) {
    case Late::client_reads:
      return cut(ResponseFlag::client_stalled, "the client took nothing of the answer in time");
    case Late::client_body:
      return cut(ResponseFlag::request_timeout, "the request's body did not come in time");
    case Late::tunnel:
      return cut(ResponseFlag::upstream_timeout,
                 "nothing passed in the time of an upgraded stream");
    default:
      return cut(ResponseFlag::upstream_timeout,
                 "the upstream did not go on with its answer in time");
  }
}

// The client shall see that this is not the end of the answer: its connection ends instead. Where
// none of it is sent, it gets another answer.
void Exchange::cut(ResponseFlag flag, std::string_view reason) noexcept {
  const bool upstreams = flag == ResponseFlag::upstream_closed ||
                         flag == ResponseFlag::upstream_reset ||
                         flag == ResponseFlag::upstream_malformed;
  if (upstreams) cluster().failed(*endpoint_, LocalFailure::reset);
  if (flag == ResponseFlag::upstream_timeout && !tunnel_) {
    cluster().failed(*endpoint_, LocalFailure::timeout);
  }
  if (upstreams && out_.sent() == sent_before_answer_) {
    out_.discard();
    answer_begun_ = false;
    return refuse({502, flag, "An invalid response was received from the upstream server", reason});
  }
  cut_ = true;
  record_.flags.set(flag);
  record_.reason = reason;
}

// The answer was read to its end: its connection can serve others, if nothing is left on it.
void Exchange::end_upstream() noexcept {
  Edges::forget(lease_->stream());
  const wire::AnswerHead& head = answer_parser_.head();
  const bool request_sent = request_flow_.ended() && upstream_out_.empty() && !request_broken_;
  const bool clean = upstream_in_.empty() && head.framing.kind != wire::Framing::Kind::until_close;
  if (head.keep_alive && request_sent && clean) {
    const wire::Field* offer = find(head.fields(), wire::FieldId::keep_alive);
    lease_->give_back(offer != nullptr ? parse_keep_alive(offer->value.in(answer_bytes_))
                                       : KeepAlive{});
  }
  lease_.reset();
  active_.reset();
}

}  // namespace sinew::proxy
