#include "sinew/proxy/exchange/kept_body.hpp"

#include <new>
#include <utility>

namespace sinew::proxy {

void KeptBody::begin(BodySource& source, std::size_t bound) noexcept {
  source_ = &source;
  bound_ = bound;
  kept_.clear();
  position_ = 0;
  whole_ = lost_ = false;
}

void KeptBody::replace(std::string whole) noexcept {
  kept_ = std::move(whole);
  position_ = 0;
  whole_ = true;
  lost_ = false;
}

Trailers KeptBody::trailers() const noexcept { return whole_ ? Trailers{} : source_->trailers(); }

wire::Fault KeptBody::fault() const noexcept {
  return whole_ ? wire::Fault::none : source_->fault();
}

bool KeptBody::at_end() const noexcept {
  return whole_ ? position_ == kept_.size() : source_->at_end();
}

Pull KeptBody::pull() noexcept {
  if (position_ < kept_.size()) {
    piece_ = wire::as_bytes(kept_).subspan(position_);
    position_ = kept_.size();
    return Pull::piece;
  }
  if (whole_) return Pull::end;
  const Pull pull = source_->pull();
  piece_ = source_->piece();
  if (pull == Pull::piece) keep(piece_);
  return pull;
}

void KeptBody::keep(wire::Bytes bytes) noexcept {
  if (lost_) return;
  if (bytes.size() > bound_ - kept_.size()) {
    lost_ = true;
    return;
  }
  try {
    kept_.append(wire::as_text(bytes));
    position_ = kept_.size();
  } catch (const std::bad_alloc&) {
    lost_ = true;
  }
}

}  // namespace sinew::proxy
