#include "sinew/proxy/exchange/flow.hpp"

#include <utility>

namespace sinew::proxy {

Flow::State Flow::move() noexcept {
  for (;;) {
    bool waits = false;
    if (!ended_ && !sink_->holds_piece()) {
      const Pull pull = source_->pull();
      switch (pull) {
        case Pull::piece:
        case Pull::end: {
          ended_ = pull == Pull::end;
          shown_ = ended_ ? wire::Bytes() : source_->piece();
          if (filtered_) {
            showing_ = true;
            return State::to_filter;
          }
          if (ended_) {
            finish();
          } else {
            sink_->piece(shown_);
          }
          break;
        }
        case Pull::wait: waits = true; break;
        case Pull::closed: return State::source_closed;
        case Pull::broken: return State::source_broken;
        case Pull::malformed: return State::source_malformed;
      }
    }
    switch (sink_->flush()) {
      case Flush::wait: return State::sink_waits;
      case Flush::failed: return State::sink_failed;
      case Flush::done: break;
    }
    if (finished_) return State::done;
    if (waits) return State::source_waits;
  }
}

void Flow::supply(std::string text) noexcept {
  supplied_ = std::move(text);
  showing_ = false;
  if (!supplied_.empty()) sink_->piece(wire::as_bytes(supplied_));
  // Trailers were for the body as it was.
  if (ended_) {
    sink_->end({});
    finished_ = true;
  }
}

void Flow::finish() noexcept {
  finished_ = true;
  sink_->end(source_->trailers());
}

}  // namespace sinew::proxy
