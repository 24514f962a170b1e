#pragma once

#include <cstddef>
#include <string>

#include "sinew/proxy/exchange/codec.hpp"

namespace sinew::proxy {

// A body of which is kept what was taken, up to a bound, so that it can be sent a second time; or
// one that filters have made anew, as a whole.
class KeptBody final : public BodySource {
 public:
  // Keeps up to `bound` bytes. `source` outlives it.
  void begin(BodySource& source, std::size_t bound) noexcept;
  // Nothing but this.
  void replace(std::string whole) noexcept;

  // All that was taken is still here.
  bool replayable() const noexcept { return !lost_; }
  // From the beginning again; only while replayable.
  void rewind() noexcept { position_ = 0; }

  Pull pull() noexcept override;
  wire::Bytes piece() const noexcept override { return piece_; }
  Trailers trailers() const noexcept override;
  wire::Fault fault() const noexcept override;
  bool at_end() const noexcept override;

 private:
  void keep(wire::Bytes bytes) noexcept;

  BodySource* source_ = nullptr;
  std::size_t bound_ = 0;
  std::string kept_;
  std::size_t position_ = 0;
  bool whole_ = false;  // nothing but `kept_`
  bool lost_ = false;
  wire::Bytes piece_;
};

}  // namespace sinew::proxy
