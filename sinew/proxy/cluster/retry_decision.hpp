#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/base/config_fwd.hpp"
#include "sinew/base/instant.hpp"
#include "sinew/proxy/cluster/status_set.hpp"
#include "sinew/resilience/retry_budget.hpp"

namespace sinew::proxy {

// How an attempt ended without an answer that may be passed on as it is.
enum class AttemptEnd : std::uint8_t {
  connect_failed,  // refused, unreachable, timed out, or no TLS: nothing of the request was sent
  refused,         // the peer says that it did not process it: REFUSED_STREAM, a GOAWAY below it
  broken,          // the connection ended, or what came was no answer
  timed_out,       // the time of one try is over
  answered,        // with a status, of which nothing has been passed on yet
};

// How far an attempt came.
enum class AttemptProgress : std::uint8_t {
  nothing_sent,     // no byte of the request was handed to the system
  sent,             // some, and no byte of an answer came
  answer_begun,     // bytes of an answer came
  answer_passed_on  // and some of them went on to the client: it is too late for everything
};

struct Attempt {
  AttemptEnd end;
  AttemptProgress progress;
  int status = 0;                  // answered only
  bool reused_connection = false;  // it had served a request before
  bool idempotent = false;         // by its method, or by a key that the route trusts
  // Every byte of the body that was taken from the client is still there to be sent again; true
  // also when none was taken.
  bool replayable = false;
};

// What a route allows. What it need not allow is a retry of what was provably not processed, and
// the one of a connection found stale.
struct RetryPolicy {
  int retries = 5;  // Kong's: at most so many after the first attempt; 0: none whatsoever
  bool on_broken = false;
  bool on_timeout = false;
  std::vector<int> on_statuses = {};

  static void describe(config::Section<RetryPolicy>& section);
};

enum class RetryPlace : std::uint8_t {
  none,
  here,       // the same endpoint, on a fresh connection
  elsewhere,  // an endpoint that was not tried, if there is one
};

enum class RetryReason : std::uint8_t {
  // why there is one
  never_sent,
  refused_unprocessed,
  stale_connection,
  broken_as_allowed,
  timeout_as_allowed,
  status_as_allowed,
  // why there is none
  answer_passed_on,
  not_replayable,
  not_idempotent,   // and it may have been processed
  not_allowed,      // by the route's policy
  retries_used_up,  // RetryPolicy::retries
  out_of_time,      // the request's own deadline
  no_budget,
  overload,  // ClusterLimit::retries is reached; said by the caller
};
std::string_view to_string(RetryReason reason) noexcept;

struct RetryDecision {
  RetryPlace place;
  RetryReason reason;
};

// The retries of one request. Plain data; belongs to its request. No call allocates or throws.
class RetryRules {
 public:
  // Throws Error invalid_input listing every violation. Made once a route.
  explicit RetryRules(const RetryPolicy& policy);

  // Whether an attempt may be followed by another, and where. `retries` are those made so far, of
  // which `stale_retried` says that one was for a stale connection: that is done once. Asks no
  // budget, so it decides the same however often it is asked.
  //
  // A retry needs the body. It needs one of: the request was provably not processed; or it is
  // idempotent, and the route allows this end, or it met a reused connection that ended before the
  // first byte of an answer, which most likely had closed before it could know of the request.
  RetryDecision decide(const Attempt& attempt, int retries, bool stale_retried,
                       bool out_of_time) const noexcept;

  // The same, and every retry is paid from the budget, for whatever reason it is made.
  RetryDecision decide(const Attempt& attempt, int retries, bool stale_retried, bool out_of_time,
                       resilience::RetryBudget& budget, Instant now) const noexcept;

 private:
  RetryDecision wanted(const Attempt& attempt, bool stale_retried) const noexcept;
  bool allows(const Attempt& attempt) const noexcept;

  int retries_;
  bool on_broken_;
  bool on_timeout_;
  StatusSet on_statuses_;
};

// GET, HEAD, OPTIONS, TRACE, PUT, DELETE (RFC 9110, 9.2.2). Methods are case-sensitive.
bool is_idempotent(std::string_view method) noexcept;

}  // namespace sinew::proxy
