#include <algorithm>

#include "sinew/proxy/cluster/request_hash.hpp"
#include "sinew/proxy/exchange/exchange.hpp"
#include "sinew/proxy/exchange/outgoing_request.hpp"
#include "sinew/wire/chars.hpp"
#include "sinew/wire/hop_by_hop.hpp"

// One attempt of an exchange: an endpoint, a connection to it, the request there, and the head of
// its answer.
namespace sinew::proxy {
namespace {

constexpr std::string_view kUnavailable = "The upstream server is currently unavailable";
constexpr std::string_view kInvalid = "An invalid response was received from the upstream server";
constexpr std::string_view kLate = "The upstream server is timing out";

std::string hex_of(std::uint64_t number) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(16, '0');
  for (char& digit : text) {
    digit = kDigits[number >> 60U];
    number <<= 4U;
  }
  return text;
}

}  // namespace

Task<Exchange::Attempted> Exchange::attempt() {
  end_attempt();
  ++record_.attempts;
  const Duration one_try = limits().try_timeout;
  try_deadline_ = one_try > Duration::zero() ? now() + one_try : Instant::max();

  const auto chosen = choose();
  if (!chosen) {
    refuse({503, ResponseFlag::no_healthy_upstream, "failure to get a peer from the ring-balancer",
            to_string(chosen.error())});
    co_return Attempted{.over = true};
  }
  endpoint_ = *chosen;
  tried_.add(*endpoint_);
  if (auto failure = co_await connect()) co_return *failure;
  if (!begin_request()) co_return Attempted{.over = true};
  co_return co_await await_answer();
}

// What the last attempt has left is of no use to this one.
void Exchange::end_attempt() noexcept {
  if (lease_) Edges::forget(lease_->stream());
  answer_body_.reset();
  lease_.reset();
  active_.reset();
  upstream_in_.clear();
  request_broken_ = false;
}

std::expected<EndpointPtr, NoEndpoint> Exchange::choose() {
  if (std::exchange(same_endpoint_, false)) return endpoint_;
  const ClusterSettings& settings = cluster().cluster().settings();
  Balancer::Query query{.random = worker_.runtime.random(), .now = now(), .tried = &tried_};
  if (settings.hash.source != HashKey::Source::none) query.hash = hash(settings);
  return cluster().choose(query);
}

// Of what the cluster hashes by. A client without the cookie gets one, which leads here again.
std::uint64_t Exchange::hash(const ClusterSettings& settings) {
  const auto found =
      hash_of(settings, *incoming_.head, request_bytes_, incoming_.path, incoming_.client);
  if (found) return *found;
  const HashKey& key =
      settings.hash.source == HashKey::Source::cookie ? settings.hash : settings.hash_fallback;
  if (key.source != HashKey::Source::cookie || key.cookie_path.empty()) {
    return worker_.runtime.random();
  }
  if (cookie_.empty()) {
    cookie_value_ = hex_of(worker_.runtime.random());
    cookie_ = key.name + "=" + cookie_value_ + "; Path=" + key.cookie_path;
  }
  return hash_of_cookie(cookie_value_);
}

// Nothing: lease_ is there.
Task<std::optional<Exchange::Attempted>> Exchange::connect() {
  const UpstreamTransport& transport = incoming_.route->transport;
  lease_ = cluster().take_idle(endpoint_, transport);
  if (!lease_) {
    auto made =
        co_await cluster().connect(endpoint_, transport, std::min(deadline_, try_deadline_));
    if (!made) co_return not_connected(made.error());
    lease_ = std::move(*made);
  }
  active_.emplace(endpoint_);
  record_.upstream = now();
  record_.reused_connection = lease_->reused();
  co_return std::nullopt;
}

Exchange::Attempted Exchange::not_connected(const ConnectFailure& failure) {
  using Kind = ConnectFailure::Kind;
  connect_failure_ = failure.reason;
  if (failure.kind == Kind::limit || failure.kind == Kind::cancelled) {
    refuse({503, ResponseFlag::upstream_overflow, kUnavailable, connect_failure_});
    return {.over = true};
  }
  const bool timed_out = failure.kind == Kind::timeout;
  cluster().failed(*endpoint_, timed_out ? LocalFailure::timeout : LocalFailure::connect);
  Attempted result =
      failed(AttemptEnd::connect_failed,
             timed_out ? Refusal{504, ResponseFlag::upstream_timeout, kLate, connect_failure_}
                       : Refusal{502, ResponseFlag::connect_failed, kInvalid, connect_failure_});
  result.attempt.progress = AttemptProgress::nothing_sent;
  return result;
}

// False: an answer of our own is there instead.
bool Exchange::begin_request() noexcept {
  async::Stream& stream = lease_->stream();
  edges_.watch(stream);
  upstream_out_.attach(stream);
  answer_body_.emplace(stream, upstream_in_);
  answer_parser_.reset(incoming_.head->method);
  using Body = Filter::LooksAt::Body;
  const Body filtered = incoming_.route->filters.looks_at().request_body;
  OutgoingRequest outgoing{.request = incoming_,
                           .connection = client_.facts,
                           .identity = identity_,
                           .endpoint = *endpoint_,
                           .pseudonym = snapshot_->shared->pseudonym,
                           .upgrade = upgrade(),
                           .edits = filters_ ? &filter_context_.request_edits : nullptr,
                           .rechunk = filtered == Body::pieces,
                           .answered_expect = continue_sent_};
  if (filtered == Body::whole) outgoing.length = whole_request_;
  const wire::Fault fault = put_request_head(outgoing, upstream_out_);
  request_flow_ = Flow(request_body_, upstream_out_, filtered == Body::pieces);
  if (fault == wire::Fault::none) return true;
  refuse(
      {431, ResponseFlag::request_too_large, "Request header fields too large", to_string(fault)});
  return false;
}

// The protocol that the client asks for, where the route lets it pass.
std::string_view Exchange::upgrade() const noexcept {
  const auto wanted = wire::requested_upgrade(*incoming_.head, request_bytes_);
  if (!wanted) return {};
  for (const std::string& allowed : incoming_.route->upgrades) {
    if (wire::iequals(allowed, *wanted)) return *wanted;
  }
  return {};
}

// Sends the request and reads until the head of the final answer is there.
Task<Exchange::Attempted> Exchange::await_answer() {
  const Instant begun = now();
  client_sends_.at = client_reads_.at = upstream_reads_.at = upstream_sends_.at = begun;
  for (;;) {
    edges_.clear();
    const Flow::State request = request_broken_ ? Flow::State::done : request_flow_.move();
    switch (request) {
      case Flow::State::source_closed:
      case Flow::State::source_broken: client_gone(); co_return Attempted{.over = true};
      case Flow::State::source_malformed:
        refuse(refusal_of(body_.fault()));
        co_return Attempted{.over = true};
      case Flow::State::sink_failed: request_broken_ = true; break;
      case Flow::State::to_filter:
        if (!co_await filter_request_piece()) co_return Attempted{.over = true};
        continue;
      default: break;
    }
    const Pull head = read_answer_head();
    if (head == Pull::piece) co_return answered();
    if (head != Pull::wait) co_return upstream_ended(head);
    if (out_.flush() == Flush::failed) client_gone();
    if (gone_ || (request == Flow::State::done && !client_stays())) {
      co_return Attempted{.over = true};
    }
    look_at_paces();
    const Until until = answer_deadline(request);
    switch (co_await edges_.wait(until.at)) {
      case Edges::Woken::edge: break;
      case Edges::Woken::late: co_return late(until.what);
      case Edges::Woken::cancelled: gone_ = true; co_return Attempted{.over = true};
    }
  }
}

// `piece`: the final one is whole and held.
Pull Exchange::read_answer_head() noexcept {
  for (;;) {
    switch (answer_parser_.parse(upstream_in_.bytes())) {
      case wire::Progress::refused: return Pull::malformed;
      case wire::Progress::incomplete: break;
      case wire::Progress::complete: {
        const wire::AnswerHead& head = answer_parser_.head();
        if (!wire::is_interim(head)) {
          answer_bytes_ = upstream_in_.hold_head(head.bytes);
          return Pull::piece;
        }
        if (!out_.empty()) return Pull::wait;  // the one before is still on its way
        pass_interim();
        upstream_in_.take(head.bytes);
        answer_parser_.next_answer();
        continue;
      }
    }
    const async::IoResult read = upstream_in_.read(lease_->stream());
    if (read.bytes > 0) continue;
    if (read.error == std::errc::operation_would_block) return Pull::wait;
    return read.end_of_stream ? Pull::closed : Pull::broken;
  }
}

// To clients that know of them; 100 only to those which wait for it.
void Exchange::pass_interim() noexcept {
  const wire::AnswerHead& head = answer_parser_.head();
  const wire::RequestHead& request = *incoming_.head;
  if (request.version == wire::Version::http_1_0) return;
  if (head.status == 100 && (!request.expects_continue || continue_sent_)) return;
  if (head.status == 100) continue_sent_ = true;
  put_interim_answer(head, upstream_in_.bytes(), out_);
  out_.flush();
}

Exchange::Attempted Exchange::answered() noexcept {
  record_.answer_head = now();
  record_.upstream_status = answer_parser_.head().status;
  cluster().answered(*endpoint_, record_.upstream_status);
  Attempted result = failed(AttemptEnd::answered, {});
  result.head = true;
  result.attempt.status = record_.upstream_status;
  result.attempt.progress = AttemptProgress::answer_begun;
  return result;
}

Exchange::Attempted Exchange::failed(AttemptEnd end, const Refusal& refusal) noexcept {
  Attempted result;
  result.refusal = refusal;
  result.attempt.end = end;
  const bool begun = answer_body_ && !upstream_in_.empty();
  result.attempt.progress = begun                       ? AttemptProgress::answer_begun
                            : upstream_out_.sent() == 0 ? AttemptProgress::nothing_sent
                                                        : AttemptProgress::sent;
  result.attempt.reused_connection = record_.reused_connection;
  result.attempt.idempotent = is_idempotent(incoming_.head->method_text.in(request_bytes_));
  result.attempt.replayable = request_body_.replayable();
  return result;
}

Exchange::Attempted Exchange::upstream_ended(Pull pull) noexcept {
  cluster().failed(*endpoint_, LocalFailure::reset);
  switch (pull) {
    case Pull::closed:
      return failed(AttemptEnd::broken,
                    {502, ResponseFlag::upstream_closed, kInvalid,
                     upstream_in_.empty() ? "the upstream closed the connection without an answer"
                                          : "the upstream closed the connection in its answer"});
    case Pull::malformed:
      return failed(AttemptEnd::broken, {502, ResponseFlag::upstream_malformed, kInvalid,
                                         to_string(answer_parser_.fault())});
    default:
      return failed(AttemptEnd::broken, {502, ResponseFlag::upstream_reset, kInvalid,
                                         "the upstream reset the connection"});
  }
}

Exchange::Attempted Exchange::late(Late what) noexcept {
  if (what == Late::client_body) {
    refuse_late(what);
    return {.over = true};
  }
  cluster().failed(*endpoint_, LocalFailure::timeout);
  const std::string_view reason =
      what == Late::upstream_reads   ? "the upstream took nothing of the request in time"
      : what == Late::upstream_sends ? "the upstream sent nothing in time"
      : what == Late::attempt        ? "no answer in the time of one try"
                                     : "no answer in the time of the request";
  return failed(AttemptEnd::timed_out, {504, ResponseFlag::upstream_timeout, kLate, reason});
}

Exchange::Until Exchange::answer_deadline(Flow::State request) const noexcept {
  Until until{.at = deadline_, .what = Late::request};
  until.no_later_than(try_deadline_, Late::attempt);
  const auto after = [](const Pace& pace, Duration most) {
    return most > Duration::zero() ? pace.at + most : Instant::max();
  };
  switch (request) {
    case Flow::State::source_waits:
      until.no_later_than(after(client_sends_, listener_->body_timeout), Late::client_body);
      break;
    case Flow::State::sink_waits:
      until.no_later_than(after(upstream_reads_, limits().write_timeout), Late::upstream_reads);
      break;
    default: {
      const Pace& last =
          upstream_sends_.at > upstream_reads_.at ? upstream_sends_ : upstream_reads_;
      until.no_later_than(after(last, limits().read_timeout), Late::upstream_sends);
    }
  }
  return until;
}

}  // namespace sinew::proxy
