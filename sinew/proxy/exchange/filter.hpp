#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sinew/async/task.hpp"
#include "sinew/wire/bytes.hpp"
#include "sinew/wire/head.hpp"
#include "sinew/wire/outgoing_head.hpp"

namespace sinew::proxy {

// What filters change of a head before it goes on, applied after all of them: removals, then what
// is set. Names without regard to case. The engine's own fields (framing, Connection, forwarding)
// cannot be touched.
struct HeadEdits {
  std::vector<std::string> removed = {};
  std::vector<std::pair<std::string, std::string>> set = {};

  bool empty() const noexcept { return removed.empty() && set.empty(); }
  void apply(wire::OutgoingHead& head) const noexcept;
};

// An answer that a filter gives in place of the upstream's.
struct EarlyAnswer {
  int status = 500;
  std::vector<std::pair<std::string, std::string>> fields = {};
  std::string body = {};
};

// What the filters of one exchange see, and what they keep between their calls. Views are good
// during the call.
struct FilterContext {
  const wire::RequestHead* request = nullptr;
  wire::Bytes request_bytes = {};  // the buffer `request` is of
  std::string_view path = {};      // in canonical form
  std::string_view client = {};    // address
  std::string_view request_id = {};

  const wire::AnswerHead* answer = nullptr;  // of the upstream, once there is one
  wire::Bytes answer_bytes = {};

  HeadEdits request_edits = {};
  HeadEdits answer_edits = {};
};

// A step between a route's client and its upstream. Immutable, made with its settings when a
// snapshot is compiled, shared by the workers; what belongs to one exchange is in the State.
//
// A hook that looks_at() does not name is never called and costs nothing. Filters are called in the
// route's order for requests and in the reverse order for answers. Hooks are coroutines: they may
// wait (an authorisation service, a rate limit's store) within the deadline of the request; an
// exception is answered 500 and logged.
class Filter {
 public:
  struct LooksAt {
    enum class Body : std::uint8_t { no, pieces, whole };
    bool request_head = false;
    Body request_body = Body::no;
    bool answer_head = false;
    Body answer_body = Body::no;
    // Of whole bodies: above it the request is answered 413, the answer 502.
    std::size_t whole_bytes = 1U << 20U;
  };

  class State {
   public:
    virtual ~State() = default;
  };

  Filter() = default;
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;
  virtual ~Filter() = default;

  virtual std::string_view name() const noexcept = 0;
  virtual LooksAt looks_at() const noexcept = 0;
  // Of one exchange; called before its first hook. May be null.
  virtual std::unique_ptr<State> begin() const { return nullptr; }

  // Nothing: go on. An answer ends the request's way here; the answer hooks of the filters before
  // this one see it.
  using Verdict = std::unique_ptr<EarlyAnswer>;
  virtual Task<Verdict> request_head(FilterContext& context, State* state) const;
  // The whole body or the next piece, to be changed in place; `last` with the end, maybe empty.
  virtual Task<Verdict> request_body(FilterContext& context, State* state, std::string& body,
                                     bool last) const;
  virtual Task<Verdict> answer_head(FilterContext& context, State* state) const;
  virtual Task<Verdict> answer_body(FilterContext& context, State* state, std::string& body,
                                    bool last) const;
};
using FilterPtr = std::shared_ptr<const Filter>;

// A route's filters, and what any of them looks at.
class FilterChain {
 public:
  FilterChain() = default;
  FilterChain(std::vector<FilterPtr> filters);

  bool empty() const noexcept { return filters_.empty(); }
  std::size_t size() const noexcept { return filters_.size(); }
  const Filter& operator[](std::size_t index) const noexcept { return *filters_[index]; }
  // The union: a body is taken whole when any filter wants it so, up to the smallest bound.
  const Filter::LooksAt& looks_at() const noexcept { return looks_at_; }

 private:
  std::vector<FilterPtr> filters_;
  Filter::LooksAt looks_at_;
};

}  // namespace sinew::proxy
