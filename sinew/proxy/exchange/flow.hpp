#pragma once

#include <cstdint>
#include <string>

#include "sinew/proxy/exchange/codec.hpp"

namespace sinew::proxy {

// One direction of an exchange: takes pieces from where they come and gives them to where they go,
// one at a time, so that a slow taker stops a fast giver. Suspends nowhere.
class Flow {
 public:
  enum class State : std::uint8_t {
    source_waits,  // nothing to take, all that was taken is written
    sink_waits,    // something to write, and no room
    done,          // all of the message is written
    to_filter,     // a piece, or the end, that filters are to see: supply() goes on
    source_closed,
    source_broken,
    source_malformed,
    sink_failed,
  };

  Flow() = default;
  // `filtered`: every piece is shown before it is written.
  Flow(BodySource& source, BodySink& sink, bool filtered) noexcept
      : source_(&source), sink_(&sink), filtered_(filtered) {}

  // As far as it goes.
  State move() noexcept;

  // After to_filter: what goes on in place of it; with an end, the last of it. Empty: nothing.
  void supply(std::string text) noexcept;
  wire::Bytes shown() const noexcept { return shown_; }
  bool shown_end() const noexcept { return ended_; }

  bool ended() const noexcept { return ended_; }  // nothing more to take

 private:
  State of(Pull pull) noexcept;
  void finish() noexcept;

  BodySource* source_ = nullptr;
  BodySink* sink_ = nullptr;
  bool filtered_ = false;
  bool showing_ = false;
  bool ended_ = false;
  bool finished_ = false;  // and told the sink so
  wire::Bytes shown_;
  std::string supplied_;
};

}  // namespace sinew::proxy
