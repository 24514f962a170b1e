#include "tests/smuggling/relay.hpp"

#include <array>
#include <utility>

#include "sinew/wire/forwarded.hpp"
#include "sinew/wire/host.hpp"
#include "sinew/wire/path.hpp"

namespace sinew::smuggling {
namespace {

constexpr std::size_t kScratchBytes = 512;

}  // namespace

void Relay::arrive(std::string_view bytes) {
  pending_ = pending_ + std::string(bytes);
  while (!stopped_ && (in_body_ ? take_body() : take_head())) {
  }
}

void Relay::begin_message(wire::OutgoingHead& out, const wire::Head& head) {
  const auto pieces = out.pieces();
  if (!pieces) throw std::runtime_error(std::string(to_string(pieces.error())));
  message_.clear();
  for (const wire::Bytes piece : *pieces)
    message_ += wire::as_text(piece);
  pending_ = pending_.substr(head.bytes);
  body_ = wire::BodyDecoder(head.framing, {});
  in_body_ = true;
}

bool Relay::take_body() {
  const wire::BodyDecoder::Step step = body_.next(bytes());
  if (step.event == wire::BodyDecoder::Event::refused) {
    return stop("cut " + std::to_string(status_of(body_.fault())) + ": " +
                    std::string(to_string(body_.fault())),
                message_);
  }
  if (step.event == wire::BodyDecoder::Event::piece) message_ += wire::as_text(step.bytes);
  pending_ = pending_.substr(step.consumed);
  if (step.event == wire::BodyDecoder::Event::end) {
    in_body_ = false;
    add("forwarded", message_);
    end_of_message();
  }
  return step.event != wire::BodyDecoder::Event::need_more;
}

bool Relay::stop(std::string word, std::string text) {
  add(std::move(word), std::move(text));
  stopped_ = true;
  return false;
}

bool Relay::refuse(int status, wire::Fault fault) {
  return stop("refused " + std::to_string(status) + ": " + std::string(to_string(fault)));
}

std::string Relay::take_rest() { return std::exchange(pending_, {}); }

bool RequestRelay::take_head() {
  if (holds_) return false;
  switch (parser_.parse(bytes())) {
    case wire::Progress::incomplete: return false;
    case wire::Progress::refused: return refuse(status_for(parser_.fault()), parser_.fault());
    case wire::Progress::complete: return forward();
  }
  return false;
}

bool RequestRelay::forward() {
  const wire::RequestHead& head = parser_.head();
  if (head.method == wire::Method::connect) return stop("refused 501: no tunnels");
  std::string room(pending().size() + wire::kMaxHostBytes, '\0');
  const std::string_view authority = head.authority.in(bytes());
  if (!authority.empty() && !wire::canonical_host(wire::split_authority(authority).host, room)) {
    return refuse(400, wire::Fault::bad_host);
  }
  std::array<std::byte, kScratchBytes> scratch;
  wire::OutgoingHead out(head, bytes(), scratch);
  out.remove(hop_by_hop(head, bytes())).remove(forwarding_fields(head, bytes()));
  if (head.form == wire::TargetForm::origin || head.form == wire::TargetForm::absolute) {
    const auto path = wire::canonical_path(head.path.in(bytes()), {}, room);
    if (!path) return refuse(400, path.error());
    out.target(path->text);
  }
  if (head.framing.kind == wire::Framing::Kind::chunked) out.chunked();
  if (const auto protocol = requested_upgrade(head, bytes()); protocol == "websocket") {
    out.add("Connection", "upgrade").add("Upgrade", *protocol);
    holds_ = true;
  }
  begin_message(out, head);
  return true;
}

void RequestRelay::end_of_message() {
  if (!parser_.head().keep_alive) stop("closed");
  parser_.reset();
}

void RequestRelay::wait() {
  if (stopped_) return;
  if (holds_) {
    stop("held", take_rest());
  } else if (in_body_) {
    stop("begun", message_);
  } else if (!pending().empty()) {
    stop("waiting");
  }
}

AnswerRelay::AnswerRelay(std::string_view answered)
    : upgrade_(answered.substr(std::min(answered.find(' ') + 1, answered.size()))),
      parser_(wire::identify_method(answered.substr(0, answered.find(' ')))) {
  if (answered.find(' ') == std::string_view::npos) upgrade_.clear();
}

bool AnswerRelay::take_head() {
  if (complete_) return false;
  switch (parser_.parse(bytes())) {
    case wire::Progress::incomplete: return false;
    case wire::Progress::refused: return refuse(502, parser_.fault());
    case wire::Progress::complete: return forward();
  }
  return false;
}

bool AnswerRelay::forward() {
  const wire::AnswerHead& head = parser_.head();
  const bool tunnel = head.framing.kind == wire::Framing::Kind::tunnel;
  if (tunnel && !grants_upgrade(head, bytes(), upgrade_)) {
    return stop("refused 502: an upgrade that was not asked for");
  }
  std::array<std::byte, kScratchBytes> scratch;
  wire::OutgoingHead out(head, bytes(), scratch);
  out.remove(hop_by_hop(head, bytes()));
  if (tunnel) out.add("Connection", "upgrade").add("Upgrade", upgrade_);
  const auto kind = head.framing.kind;
  if (kind == wire::Framing::Kind::chunked || kind == wire::Framing::Kind::until_close) {
    out.chunked();
  }
  begin_message(out, head);
  return true;
}

void AnswerRelay::end_of_message() {
  if (is_interim(parser_.head())) {
    parser_.next_answer();
  } else {
    complete_ = true;
  }
}

void AnswerRelay::close() {
  if (stopped_) return;
  const bool left_over = complete_ && !pending().empty();
  if (in_body_ && parser_.head().framing.kind == wire::Framing::Kind::tunnel) {
    stop("tunnel", message_);
  } else if (in_body_ && body_.finish() == wire::BodyDecoder::Event::refused) {
    stop("cut 502: " + std::string(to_string(body_.fault())), message_);
  } else if (in_body_) {
    add("forwarded", message_);
    stop("closed");
  } else if (!complete_) {
    refuse(502, wire::Fault::truncated);
  } else if (left_over || !parser_.head().keep_alive) {
    stop("closed");
  }
}

}  // namespace sinew::smuggling
