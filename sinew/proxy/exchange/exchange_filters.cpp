#include "sinew/proxy/exchange/exchange.hpp"

// What an exchange does for the filters of its route.
namespace sinew::proxy {

using Body = Filter::LooksAt::Body;

// False: an answer is there instead of going on.
Task<bool> Exchange::filter_request_head() {
  filter_context_ = FilterContext{.request = incoming_.head,
                                  .request_bytes = request_bytes_,
                                  .path = incoming_.path,
                                  .client = wire::write_ip(incoming_.client, client_text_),
                                  .request_id = identity_.id()};
  filters_.emplace(incoming_.route->filters, filter_context_);
  if (auto verdict = co_await filters_->request_head()) {
    answer_early(std::move(verdict));
    co_return false;
  }
  if (incoming_.route->filters.looks_at().request_body != Body::whole) co_return true;
  co_return co_await gather_request();
}

// The whole body, up to the filters' bound, through the filters.
Task<bool> Exchange::gather_request() {
  const std::size_t most = incoming_.route->filters.looks_at().whole_bytes;
  if (incoming_.head->expects_continue) {
    continue_sent_ = true;
    out_.head(wire::as_bytes("HTTP/1.1 100 Continue\r\n\r\n"), OutFraming::none);
    out_.flush();
  }
  Instant until = now() + listener_->body_timeout;
  for (Pull pull = Pull::wait; pull != Pull::end;) {
    edges_.clear();
    pull = body_.pull();
    if (pull == Pull::end) break;
    if (pull == Pull::piece) {
      gathered_.append(wire::as_text(body_.piece()));
      until = now() + listener_->body_timeout;
      if (gathered_.size() <= most) continue;
      refuse({413, ResponseFlag::request_too_large, "Request body too large",
              "more than a filter takes"});
      co_return false;
    }
    if (pull == Pull::malformed) {
      refuse(refusal_of(body_.fault()));
      co_return false;
    }
    if (pull != Pull::wait) {
      client_gone();
      co_return false;
    }
    const Edges::Woken woken = co_await edges_.wait(until);
    if (woken == Edges::Woken::edge) continue;
    refuse_late(Late::client_body);
    co_return false;
  }
  if (auto verdict = co_await filters_->request_body(gathered_, true)) {
    answer_early(std::move(verdict));
    co_return false;
  }
  whole_request_ = gathered_.size();
  request_body_.replace(std::move(gathered_));
  gathered_.clear();
  co_return true;
}

// False: an answer is there instead, or the answer that is under way was cut.
Task<bool> Exchange::filter_request_piece() {
  const bool last = request_flow_.shown_end();
  std::string piece(wire::as_text(request_flow_.shown()));
  auto verdict = co_await filters_->request_body(piece, last);
  if (!verdict) {
    request_flow_.supply(std::move(piece));
    co_return true;
  }
  if (answer_begun_) {
    cut(ResponseFlag::filter_answered, "a filter refused a piece of the request");
  } else {
    answer_early(std::move(verdict));
  }
  co_return false;
}

Task<bool> Exchange::filter_answer_head() {
  filter_context_.answer = &answer_parser_.head();
  filter_context_.answer_bytes = answer_bytes_;
  auto verdict = co_await filters_->answer_head();
  if (!verdict && whole_answer_) {
    verdict = co_await filters_->answer_body(gathered_, true);
    whole_answer_ = gathered_.size();
  }
  if (!verdict) co_return true;
  answer_early(std::move(verdict));
  co_return false;
}

// The whole body of the answer, up to the filters' bound.
Task<bool> Exchange::gather_answer() {
  if (!answer_parser_.head().framing.has_body()) co_return true;
  const std::size_t most = incoming_.route->filters.looks_at().whole_bytes;
  Instant until = now() + limits().read_timeout;
  for (;;) {
    edges_.clear();
    const Pull pull = answer_body_->pull();
    if (pull == Pull::end) break;
    if (pull == Pull::wait) {
      if (co_await edges_.wait(until) == Edges::Woken::edge) continue;
      refuse_late(Late::upstream_sends);
      co_return false;
    }
    if (pull != Pull::piece) {
      refuse(upstream_ended(pull).refusal);
      co_return false;
    }
    until = now() + limits().read_timeout;
    gathered_.append(wire::as_text(answer_body_->piece()));
    if (gathered_.size() <= most) continue;
    refuse({502, ResponseFlag::upstream_malformed,
            "An invalid response was received from the upstream server",
            "a larger body than a filter takes"});
    co_return false;
  }
  whole_answer_ = gathered_.size();
  co_return true;
}

Task<bool> Exchange::filter_answer_piece() {
  const bool last = answer_flow_.shown_end();
  std::string piece(wire::as_text(answer_flow_.shown()));
  auto verdict = co_await filters_->answer_body(piece, last);
  if (verdict) {
    cut(ResponseFlag::filter_answered, "a filter refused a piece of the answer");
    co_return false;
  }
  answer_flow_.supply(std::move(piece));
  co_return true;
}

void Exchange::answer_early(Filter::Verdict verdict) noexcept {
  early_ = std::move(verdict);
  record_.flags.set(ResponseFlag::filter_answered);
  record_.status = early_->status;
  own_answer_ = true;
  if (body_.pull() != Pull::end) close_ = true;
  const AnswerMode mode = answer_mode();
  close_ = mode.close;
  if (put_early_answer(*early_, identity_.id(), mode, out_)) return;
  refuse({500, ResponseFlag::internal_error, "An unexpected error occurred",
          "a filter's answer cannot stand in a head"});
}

}  // namespace sinew::proxy
