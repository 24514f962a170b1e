#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sinew/wire/answer_parser.hpp"
#include "sinew/wire/body.hpp"
#include "sinew/wire/outgoing_head.hpp"
#include "sinew/wire/request_parser.hpp"
#include "tests/smuggling/corpus.hpp"

namespace sinew::smuggling {

// What a proxy that decides with sinew/wire alone makes of the bytes of one connection: one that
// trusts no peer, routes everything, allows upgrades to WebSocket only, takes bodies apart and
// frames them anew. Trailers do not go on.
class Relay {
 public:
  // The bytes move at each arrival, so that a pointer kept across calls would be seen.
  void arrive(std::string_view bytes);

  const std::vector<Outcome>& outcomes() const { return outcomes_; }

 protected:
  Relay() = default;
  Relay(const Relay&) = default;
  Relay& operator=(const Relay&) = delete;
  ~Relay() = default;

  // Takes one head off pending(), or returns false where that needs more bytes or has stopped.
  virtual bool take_head() = 0;
  virtual void end_of_message() = 0;

  void begin_message(wire::OutgoingHead& out, const wire::Head& head);
  void add(std::string word, std::string bytes = {}) {
    outcomes_.push_back({std::move(word), std::move(bytes)});
  }
  bool stop(std::string word, std::string bytes = {});
  bool refuse(int status, wire::Fault fault);
  std::string take_rest();

  wire::Bytes bytes() const { return wire::as_bytes(pending_); }
  const std::string& pending() const { return pending_; }

  std::string message_;  // what has gone on of it
  bool in_body_ = false;
  bool stopped_ = false;
  wire::BodyDecoder body_;

 private:
  bool take_body();
  virtual int status_of(wire::Fault fault) const = 0;

  std::string pending_;
  std::vector<Outcome> outcomes_;
};

class RequestRelay final : public Relay {
 public:
  // All that came has come, and the client waits.
  void wait();

 private:
  bool take_head() override;
  void end_of_message() override;
  int status_of(wire::Fault fault) const override { return wire::status_for(fault); }
  bool forward();

  wire::RequestParser parser_;
  bool holds_ = false;  // what follows, until the upgrade is granted
};

class AnswerRelay final : public Relay {
 public:
  // The rest of a case's direction: "GET", "HEAD", "GET websocket".
  explicit AnswerRelay(std::string_view answered);

  // The upstream has closed.
  void close();

 private:
  bool take_head() override;
  void end_of_message() override;
  int status_of(wire::Fault) const override { return 502; }
  bool forward();

  std::string upgrade_;
  wire::AnswerParser parser_;
  bool complete_ = false;
};

}  // namespace sinew::smuggling
