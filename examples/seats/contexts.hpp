#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "examples/seats/contract.hpp"
#include "sinew/context/context.hpp"
#include "sinew/context/spec.hpp"

namespace seats {

using sinew::Task;
using sinew::messaging::Answer;
using sinew::store::Transaction;

// A participant with a semantic lock: a seat that somebody holds and has not paid for may yet be
// free, so whoever else wants it is neither refused nor served, but waits.
class Hall final : public sinew::context::Context {
 public:
  std::string_view name() const noexcept override { return "hall"; }
  void describe(sinew::context::ContextSpec& spec) override;
  // Who has bought the seat; empty: nobody.
  Task<std::string> buyer_of(std::string seat);
  // `ann, 1 waiting` for a seat that is held; else empty.
  Task<std::string> holder_of(std::string seat);

 private:
  using Envelope = sinew::event::Envelope;
  Task<Answer<Seat>> hold(Transaction& tx, Hold command, const Envelope& message);
  Task<Answer<Seat>> free(Transaction& tx, Free command, const Envelope& message);
  Task<Answer<Seat>> sell(Transaction& tx, Sell command, const Envelope& message);
};

// Takes its time over the card `declined`, and answers nothing for the card `silent` until it is
// told to.
class Bank final : public sinew::context::Context {
 public:
  explicit Bank(bool answers_all) : answers_all_(answers_all) {}
  std::string_view name() const noexcept override { return "bank"; }
  void describe(sinew::context::ContextSpec& spec) override;

 private:
  Task<void> pay(sinew::messaging::Handling& handling, Pay command);

  bool answers_all_;
};

// Sells seats by the saga buy-seat, in the version of the program.
class Office final : public sinew::context::Context {
 public:
  explicit Office(std::int32_t version) : version_(version) {}
  std::string_view name() const noexcept override { return "office"; }
  void describe(sinew::context::ContextSpec& spec) override;
  Task<void> buy(std::string seat, std::string buyer, std::string card);
  Task<std::string> status_of(std::string buyer);

 private:
  std::int32_t version_;
};

}  // namespace seats
