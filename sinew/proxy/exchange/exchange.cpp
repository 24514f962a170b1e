#include "sinew/proxy/exchange/exchange.hpp"

#include <algorithm>
#include <exception>

#include "sinew/base/log.hpp"
#include "sinew/wire/hop_by_hop.hpp"

namespace sinew::proxy {
namespace {

constexpr int kRetryAfterSeconds = 1;

}  // namespace

Exchange::Exchange(WorkerContext& worker, ClientLine& client)
    : worker_(worker),
      client_(client),
      snapshot_(worker.snapshot),
      listener_(client.listener),
      request_parser_(listener_->head),
      body_(*client.stream, client.in),
      upstream_in_(worker.buffers),
      answer_parser_(wire::Method::get) {
  out_.attach(*client.stream);
  edges_.watch(*client.stream);
}

Exchange::~Exchange() {
  Edges::forget(*client_.stream);
  if (lease_) Edges::forget(lease_->stream());
  if (active_counted_) worker_.gauges.active_requests.fetch_sub(1, std::memory_order_relaxed);
  client_.in.release_head();
}

Task<Exchange::Next> Exchange::run() {
  record_.began = now();
  record_.wall_began = worker_.runtime.wall_now();
  if (co_await receive_head()) {
    if (const auto refusal = admit()) {
      refuse(*refusal);
    } else {
      co_await serve();
    }
  }
  if (own_answer_) co_await send_own_answer();
  decide_next();
  account();
  co_return next_;
}

// True: the head is there. Else what is to be said of it is said, or nobody is there to hear it.
Task<bool> Exchange::receive_head() {
  const Instant until = now() + listener_->header_timeout;
  for (;;) {
    switch (request_parser_.parse(client_.in.bytes())) {
      case wire::Progress::complete: co_return true;
      case wire::Progress::refused:
        identity_.fill(IdentityBits::draw([&] { return worker_.runtime.random(); }));
        refuse(refusal_of(request_parser_.fault()));
        co_return false;
      case wire::Progress::incomplete: break;
    }
    edges_.clear();
    const async::IoResult read = client_.in.read(*client_.stream);
    if (read.bytes > 0) continue;
    if (read.error != std::errc::operation_would_block) {
      if (!client_.in.empty()) client_gone();
      co_return false;
    }
    const Edges::Woken woken = co_await edges_.wait(until);
    if (woken == Edges::Woken::edge) continue;
    if (woken == Edges::Woken::late && !client_.in.empty()) {
      identity_.fill(IdentityBits::draw([&] { return worker_.runtime.random(); }));
      refuse_late(Late::client_head);
    }
    co_return false;
  }
}

// The head is whole: what it asks for, and whether it may.
std::optional<Refusal> Exchange::admit() noexcept {
  record_.request_head = now();
  const wire::RequestHead& head = request_parser_.head();
  received_ = head.bytes;
  request_bytes_ = client_.in.hold_head(head.bytes);
  worker_.gauges.active_requests.fetch_add(1, std::memory_order_relaxed);
  active_counted_ = true;

  std::span<char> space = space_;
  if (head.path.length + IncomingRequest::kSpace > space.size()) {
    large_space_ = worker_.buffers.take();
    const auto bytes = large_space_.span();
    space = {reinterpret_cast<char*>(bytes.data()), bytes.size()};
  }
  const auto refusal = incoming_.understand(head, request_bytes_, client_.facts, *listener_,
                                            *snapshot_->shared, space);
  identity_.fill(head, request_bytes_, incoming_.trusted_peer,
                 IdentityBits::draw([&] { return worker_.runtime.random(); }));
  const Route* route = incoming_.route;
  const auto most =
      route != nullptr && route->limits.max_body ? *route->limits.max_body : listener_->max_body;
  body_.begin(head.framing, {.body_bytes = most == 0 ? UINT64_MAX : most});
  if (worker_.overloaded) {
    WorkerGauges::add(worker_.gauges.shed, std::uint64_t{1});
    return Refusal{503, ResponseFlag::overloaded, "The server is overloaded, try again", {}};
  }
  if (refusal) return refusal;
  if (body_.fault() != wire::Fault::none) return refusal_of(body_.fault());
  return std::nullopt;
}

Task<void> Exchange::serve() {
  try {
    if (!incoming_.route->filters.empty() && !co_await filter_request_head()) co_return;
    co_await forward();
  } catch (const std::exception& error) {
    log::error("an exchange failed", {{"route", incoming_.route->name},
                                      {"request_id", identity_.id()},
                                      {"cause", error.what()}});
    if (answer_begun_) {
      cut(ResponseFlag::internal_error, "an exception; the log has its cause");
    } else {
      refuse({500, ResponseFlag::internal_error, "An unexpected error occurred", {}});
    }
  }
}

// Attempts until one has an answer, or none may follow.
Task<void> Exchange::forward() {
  Cluster& shared = cluster().cluster();
  request_permit_ = shared.limits().try_take(ClusterLimit::requests);
  if (!request_permit_) {
    refuse({503, ResponseFlag::upstream_overflow, "The upstream server is currently unavailable",
            "limit of requests"});
    co_return;
  }
  shared.retry_budget().request(now());
  if (!whole_request_) request_body_.begin(body_, limits().replay_body);
  if (limits().request_timeout > Duration::zero()) deadline_ = now() + limits().request_timeout;

  for (;;) {
    const Attempted result = co_await attempt();
    if (result.over) co_return;
    if (result.head && !wants_retry(result.attempt)) co_return co_await pass_answer();
    const RetryDecision decision = incoming_.route->retry.decide(
        result.attempt, retries_, stale_retried_, now() >= deadline_, shared.retry_budget(), now());
    if (decision.place == RetryPlace::none) {
      if (decision.reason == RetryReason::retries_used_up && retries_ > 0) {
        record_.flags.set(ResponseFlag::retries_exhausted);
      }
      co_return co_await give_up(result);
    }
    retry_permit_ = shared.limits().try_take(ClusterLimit::retries);
    if (!retry_permit_) {
      record_.flags.set(ResponseFlag::upstream_overflow);
      co_return co_await give_up(result);
    }
    ++retries_;
    same_endpoint_ = decision.place == RetryPlace::here;
    stale_retried_ |= decision.reason == RetryReason::stale_connection;
    request_body_.rewind();
  }
}

// Whether an answer is one that the route would rather have another for.
bool Exchange::wants_retry(const Attempt& attempt) const noexcept {
  return incoming_.route->retry.decide(attempt, retries_, stale_retried_, now() >= deadline_)
             .place != RetryPlace::none;
}

// No attempt follows: what there is goes to the client.
Task<void> Exchange::give_up(const Attempted& last) {
  if (last.head) co_return co_await pass_answer();
  refuse(last.refusal);
}

void Exchange::refuse(const Refusal& refusal) noexcept {
  record_.flags.set(refusal.flag);
  record_.reason = refusal.reason.empty() ? refusal.message : refusal.reason;
  record_.status = refusal.status;
  if (!out_.empty()) {  // an interim answer that the client does not take
    cut_ = true;
    return;
  }
  own_answer_ = true;
  const bool understood = incoming_.head != nullptr;
  // Where the framing is in doubt the next request cannot be found.
  close_ = !understood || refusal.status == 400 || refusal.status == 408 ||
           body_.fault() != wire::Fault::none;
  if (!close_ && body_.pull() != Pull::end) close_ = true;  // or while it is still sending
  AnswerMode mode = answer_mode();
  OwnAnswer answer{.status = refusal.status,
                   .message = refusal.message,
                   .request_id = identity_.id(),
                   .flags = record_.flags,
                   .server = snapshot_->shared->pseudonym};
  if (refusal.status == 503) answer.retry_after = kRetryAfterSeconds;
  std::array<char, 1024> location;
  if (refusal.flag == ResponseFlag::wrong_scheme && refusal.status / 100 == 3) {
    static constexpr std::string_view kScheme = "https://";
    std::size_t size = 0;
    for (const std::string_view text :
         {kScheme, incoming_.host, incoming_.head->target.in(request_bytes_)}) {
      if (text.size() > location.size() - size) continue;
      size += text.copy(location.data() + size, text.size());
    }
    answer.location = {location.data(), size};
  }
  close_ = mode.close;
  put_own_answer(answer, mode, out_);
}

void Exchange::refuse_late(Late what) noexcept {
  switch (what) {
    case Late::client_head:
      return refuse({408, ResponseFlag::request_timeout, "Request timeout",
                     "the request's head did not come in time"});
    case Late::client_body:
      return refuse({408, ResponseFlag::request_timeout, "Request timeout",
                     "the request's body did not come in time"});
    default:
      return refuse({504, ResponseFlag::upstream_timeout, "The upstream server is timing out", {}});
  }
}

Task<void> Exchange::send_own_answer() {
  for (;;) {
    edges_.clear();
    const Flush flush = out_.flush();
    if (flush == Flush::done) break;
    const Instant until = now() + listener_->send_timeout;
    if (flush == Flush::failed || co_await edges_.wait(until) != Edges::Woken::edge) {
      record_.flags.set(flush == Flush::failed ? ResponseFlag::client_gone
                                               : ResponseFlag::client_stalled);
      gone_ = true;
      co_return;
    }
  }
  answer_done_ = true;
}

AnswerMode Exchange::answer_mode() const noexcept {
  AnswerMode mode;
  if (incoming_.head == nullptr) {
    mode.close = true;
    return mode;
  }
  const wire::RequestHead& head = *incoming_.head;
  mode.head_request = head.method == wire::Method::head;
  mode.old_client = head.version == wire::Version::http_1_0;
  mode.close = close_ || !head.keep_alive || worker_.draining || !client_.listening ||
               client_.requests >= listener_->max_requests;
  return mode;
}

bool Exchange::client_stays() noexcept {
  if (!request_whole()) return true;
  const async::IoResult read = client_.in.read(*client_.stream);
  if (read.bytes > 0 || read.error == std::errc::operation_would_block ||
      read.error == std::errc::no_buffer_space) {
    return true;
  }
  client_gone();
  return false;
}

void Exchange::client_gone() noexcept {
  gone_ = true;
  record_.flags.set(ResponseFlag::client_gone);
  if (record_.reason.empty()) record_.reason = "the client closed the connection";
}

void Exchange::look_at_paces() noexcept {
  const Instant at = now();
  client_sends_.look(body_.received(), at);
  client_reads_.look(out_.sent(), at);
  upstream_reads_.look(upstream_out_.sent(), at);
  upstream_sends_.look(answer_body_ ? answer_body_->received() : upstream_in_.bytes().size(), at);
}

void Exchange::decide_next() noexcept {
  if (gone_ || cut_ || tunnel_ || !answer_done_) {
    next_ = Next::close;
  } else if (!close_ && request_whole()) {
    next_ = Next::keep;
  } else {
    next_ = Next::linger;
  }
}

void Exchange::account() noexcept {
  static constexpr int kClientGone = 499;                                  // nginx's, for logs
  if (incoming_.head == nullptr && record_.status == 0 && !gone_) return;  // nothing was asked
  if (record_.status == 0 && gone_) record_.status = kClientGone;
  record_.ended = now();
  if (incoming_.head != nullptr) {
    record_.request = incoming_.head;
    record_.received = request_bytes_;
    record_.path = incoming_.path;
    record_.route = incoming_.route;
    if (incoming_.route != nullptr) record_.cluster = &cluster().cluster();
  }
  record_.peer = client_.facts.peer_text;
  record_.client = wire::write_ip(incoming_.head != nullptr ? incoming_.client : client_.facts.peer,
                                  client_text_);
  record_.request_id = identity_.id();
  record_.trace = &identity_.trace();
  record_.listener = client_.facts.listener_text;
  record_.tls_version = client_.facts.tls_version;
  record_.server_name = client_.facts.server_name;
  record_.request_body_bytes = body_.body_bytes();
  record_.received_bytes = received_ + body_.received();
  record_.answer_body_bytes = own_answer_ ? 0 : out_.body_bytes();
  record_.sent_bytes = out_.sent();
  record_.endpoint = endpoint_.get();
  worker_.observer.ended(record_);
}

}  // namespace sinew::proxy
