#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "sinew/async/runtime.hpp"
#include "sinew/async/task.hpp"
#include "sinew/http/client.hpp"

namespace commerce::replay {

// Asks again while the system is away or overloaded, for up to two minutes: it may be in the middle
// of a restart. Everything the replay asks may be asked twice.
class PatientClient {
 public:
  PatientClient(sinew::async::Runtime& runtime, sinew::http::Client& client)
      : runtime_(runtime), client_(client) {}

  // The first answer below 500 that is not 408 or 429. Errors: those of Client::send, the last one.
  sinew::Task<sinew::http::Response> send(sinew::http::ClientRequest request);

  // Why requests are being sent again; empty when none is.
  std::string trouble() const { return troubled_ == 0 ? std::string() : trouble_; }

  template <class Answer>
  sinew::Task<Answer> get(std::string url) {
    co_return sinew::http::Client::read_answer<Answer>(
        co_await send({.method = sinew::http::Method::get, .url = std::move(url)}));
  }
  // Whatever the answer is.
  sinew::Task<sinew::http::Response> post_json(std::string url, std::string body,
                                               sinew::http::Headers headers = {});

 private:
  class Trouble;

  sinew::async::Runtime& runtime_;
  sinew::http::Client& client_;
  std::size_t troubled_ = 0;  // requests
  std::string trouble_;       // of the last of them
};

}  // namespace commerce::replay
