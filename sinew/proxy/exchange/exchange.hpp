#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sinew/async/stream.hpp"
#include "sinew/async/task.hpp"
#include "sinew/proxy/cluster/retry_decision.hpp"
#include "sinew/proxy/exchange/edges.hpp"
#include "sinew/proxy/exchange/filter_run.hpp"
#include "sinew/proxy/exchange/flow.hpp"
#include "sinew/proxy/exchange/inbound.hpp"
#include "sinew/proxy/exchange/incoming_request.hpp"
#include "sinew/proxy/exchange/kept_body.hpp"
#include "sinew/proxy/exchange/outbound.hpp"
#include "sinew/proxy/exchange/outgoing_answer.hpp"
#include "sinew/proxy/exchange/own_answer.hpp"
#include "sinew/proxy/exchange/worker_context.hpp"
#include "sinew/proxy/observe/request_identity.hpp"
#include "sinew/wire/answer_parser.hpp"
#include "sinew/wire/request_parser.hpp"

namespace sinew::proxy {

// A client's connection as its exchanges use it, one after the other.
struct ClientLine {
  ClientLine(std::unique_ptr<async::Stream> connection, BufferPool& buffers) noexcept
      : stream(std::move(connection)), in(buffers) {}

  std::unique_ptr<async::Stream> stream;
  InboundBuffer in;
  ClientConnectionFacts facts;
  std::shared_ptr<const ListenerSettings> listener;  // as they are now
  bool listening = true;  // its listener is still one of the configuration
  int requests = 0;       // begun
};

// One request and its answer: reads the head, finds the route, sends the request on as often as it
// must, passes the answer on. One coroutine moves both directions and looks at both connections
// after each edge, so an answer may come before its request is whole, and none of them waits for
// the other. It holds at most a block for each direction, however large the bodies are.
//
// Made by its connection for each request, in storage that the worker uses again.
class Exchange {
 public:
  enum class Next : std::uint8_t {
    keep,    // another request may follow
    linger,  // the last answer is out; the client may still be sending
    close,
  };

  Exchange(WorkerContext& worker, ClientLine& client);
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange();

  // From the first bytes, which are there, to the end. Throws nothing.
  Task<Next> run();

 private:
  struct Attempted;
  // What a wait is for, and what its end by time means.
  enum class Late : std::uint8_t {
    client_head,
    client_body,
    client_reads,
    upstream_reads,
    upstream_sends,
    attempt,
    request,
    tunnel,
  };
  struct Until {
    Instant at = Instant::max();
    Late what = Late::request;
    void no_later_than(Instant other, Late why) noexcept {
      if (other < at) {
        at = other;
        what = why;
      }
    }
  };
  // When something last moved at one end of one direction.
  struct Pace {
    std::uint64_t count = 0;
    Instant at = {};
    void look(std::uint64_t now_at, Instant now) noexcept {
      if (count == now_at) return;
      count = now_at;
      at = now;
    }
  };

  // exchange.cpp: the way of a request through here
  Task<bool> receive_head();
  std::optional<Refusal> admit() noexcept;
  Task<void> serve();
  Task<void> forward();
  bool wants_retry(const Attempt& attempt) const noexcept;
  Task<void> give_up(const Attempted& last);
  void refuse(const Refusal& refusal) noexcept;
  void refuse_late(Late what) noexcept;
  Task<void> send_own_answer();
  void decide_next() noexcept;
  void account() noexcept;

  // exchange_attempt.cpp: one attempt at an upstream
  struct Attempted {
    bool over = false;  // an answer of our own is there, or nobody to answer
    bool head = false;  // the head of an answer is there
    Attempt attempt{};
    Refusal refusal{};  // of an attempt without an answer, if nothing follows
  };
  Task<Attempted> attempt();
  void end_attempt() noexcept;
  std::expected<EndpointPtr, NoEndpoint> choose();
  std::uint64_t hash(const ClusterSettings& settings);
  Task<std::optional<Attempted>> connect();
  Attempted not_connected(const ConnectFailure& failure);
  bool begin_request() noexcept;
  Task<Attempted> await_answer();
  Pull read_answer_head() noexcept;
  void pass_interim() noexcept;
  Attempted answered() noexcept;
  Attempted failed(AttemptEnd end, const Refusal& refusal) noexcept;
  Attempted upstream_ended(Pull pull) noexcept;
  Attempted late(Late what) noexcept;
  Until answer_deadline(Flow::State request) const noexcept;
  std::string_view upgrade() const noexcept;

  // exchange_answer.cpp: an answer on its way to the client
  Task<void> pass_answer();
  bool begin_answer() noexcept;
  void begin_tunnel() noexcept;
  Task<void> move_answer();
  Task<Flow::State> move_rest_of_request();
  Until moving_deadline(Flow::State request, Flow::State answer) const noexcept;
  void end_upstream() noexcept;
  void cut_late(Late what) noexcept;
  void cut(ResponseFlag flag, std::string_view reason) noexcept;
  AnswerMode answer_mode() const noexcept;

  // exchange_filters.cpp
  Task<bool> filter_request_head();
  Task<bool> gather_request();
  Task<bool> filter_request_piece();
  Task<bool> filter_answer_head();
  Task<bool> gather_answer();
  Task<bool> filter_answer_piece();
  void answer_early(Filter::Verdict verdict) noexcept;

  // The client, while nothing is expected of it: false when it is gone.
  bool client_stays() noexcept;
  void client_gone() noexcept;
  bool request_whole() const noexcept { return body_.at_end(); }
  void look_at_paces() noexcept;
  Instant now() const noexcept { return worker_.runtime.now(); }
  WorkerCluster& cluster() const noexcept { return *snapshot_->clusters[incoming_.route->cluster]; }
  const ExchangeLimits& limits() const noexcept { return incoming_.route->limits; }

  WorkerContext& worker_;
  ClientLine& client_;
  WorkerSnapshotPtr snapshot_;
  std::shared_ptr<const ListenerSettings> listener_;
  Edges edges_;

  // client -> upstream
  wire::RequestParser request_parser_;
  wire::Bytes request_bytes_;
  IncomingRequest incoming_;
  RequestIdentity identity_;
  Http1Body body_;
  KeptBody request_body_;
  Http1Out upstream_out_;
  Flow request_flow_;

  // upstream -> client
  std::optional<UpstreamLease> lease_;
  std::optional<ActiveRequest> active_;
  InboundBuffer upstream_in_;
  wire::AnswerParser answer_parser_;
  wire::Bytes answer_bytes_;
  std::optional<Http1Body> answer_body_;
  Http1Out out_;
  Flow answer_flow_;
  KeptBody answer_source_;  // an answer that filters took whole

  // filters, where the route has some
  FilterContext filter_context_;
  std::optional<FilterRun> filters_;
  Filter::Verdict early_;
  std::string gathered_;
  std::optional<std::size_t> whole_request_;  // bytes of a body that filters took whole
  std::optional<std::size_t> whole_answer_;
  bool continue_sent_ = false;

  // retries
  std::optional<ClusterLimits::Permit> request_permit_;
  std::optional<ClusterLimits::Permit> retry_permit_;
  TriedEndpoints tried_;
  EndpointPtr endpoint_;
  std::string connect_failure_;
  bool same_endpoint_ = false;  // the retry is for the same one
  int retries_ = 0;
  bool stale_retried_ = false;

  Pace client_sends_;
  Pace client_reads_;
  Pace upstream_reads_;
  Pace upstream_sends_;
  Instant deadline_ = Instant::max();      // of all attempts
  Instant try_deadline_ = Instant::max();  // of this one
  bool request_broken_ = false;  // the upstream takes no more of it; an answer may still come
  bool answer_begun_ = false;    // some of it is on its way to the client
  std::optional<std::uint64_t> sent_before_answer_;  // none: an interim one may be under way
  bool answer_done_ = false;
  bool gone_ = false;  // the client
  bool cut_ = false;   // the answer ends before its end
  bool tunnel_ = false;
  bool own_answer_ = false;
  bool close_ = false;  // said so, or framed so
  bool active_counted_ = false;
  std::uint64_t received_ = 0;
  Next next_ = Next::close;
  ExchangeRecord record_;
  std::array<char, 2048> space_;
  Buffer large_space_;
  std::array<char, 64> client_text_;
  std::string cookie_;  // to be set: of a cluster that hashes by it
  std::string cookie_value_;
};

}  // namespace sinew::proxy
