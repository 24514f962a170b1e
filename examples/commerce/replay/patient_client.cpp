#include "examples/commerce/replay/patient_client.hpp"

#include <chrono>
#include <optional>

#include "sinew/async/wait.hpp"
#include "sinew/base/error.hpp"
#include "sinew/resilience/retry.hpp"

namespace commerce::replay {
namespace {

using sinew::Error;
using sinew::Task;
using sinew::http::Response;

constexpr sinew::resilience::RetrySettings patience{
    .max_attempts = 1000,
    .first_delay = std::chrono::milliseconds(20),
    .factor = 2.0,
    .max_delay = std::chrono::seconds(1),
    .max_total = std::chrono::minutes(2),
};

bool is_definite(const Response& response) {
  return response.status < 500 && response.status != 408 && response.status != 429;
}

}  // namespace

// One request's part in trouble().
class PatientClient::Trouble {
 public:
  explicit Trouble(PatientClient& client) noexcept : client_(client) {}
  Trouble(const Trouble&) = delete;
  Trouble& operator=(const Trouble&) = delete;
  ~Trouble() {
    if (counted_) --client_.troubled_;
  }
  void is(const std::string& detail) {
    client_.trouble_ = detail;
    if (!counted_) ++client_.troubled_;
    counted_ = true;
  }

 private:
  PatientClient& client_;
  bool counted_ = false;
};

Task<Response> PatientClient::send(sinew::http::ClientRequest request) {
  request.idempotent = true;
  sinew::resilience::Retry retry(patience, sinew::resilience::Repeatable::yes, runtime_.now());
  Trouble trouble(*this);
  for (;;) {
    std::optional<Error> failure;
    try {
      Response response = co_await client_.send(request);
      if (is_definite(response)) co_return response;
      failure = sinew::http::to_error(response);
    } catch (const Error& error) {
      failure = error;
    }
    const auto pause =
        retry.failed(sinew::resilience::Failure::of(*failure), runtime_.now(), runtime_.random());
    if (!pause) throw *failure;
    trouble.is(failure->detail());
    co_await sinew::async::sleep_for(*pause);
  }
}

Task<Response> PatientClient::post_json(std::string url, std::string body,
                                        sinew::http::Headers headers) {
  headers.set("Content-Type", "application/json");
  co_return co_await send({.method = sinew::http::Method::post,
                           .url = std::move(url),
                           .headers = std::move(headers),
                           .body = std::move(body)});
}

}  // namespace commerce::replay
