#pragma once

#include <string>

#include "sinew/base/error.hpp"
#include "sinew/base/json.hpp"
#include "sinew/http/message.hpp"

namespace sinew::http {

// An Error that asks for one status, where its condition alone would give another.
class StatusError final : public Error {
 public:
  // `status` 400 to 599.
  StatusError(int status, const std::string& detail);

  int status() const noexcept { return status_; }

 private:
  int status_;
};

// invalid_input 400, unauthorized 401, not_found 404, conflict 409, exhausted 503, unavailable 503,
// timeout 504, cancelled 503, unsupported 501, corrupt 500.
int status_for(Condition condition) noexcept;

// The reverse, for who has got the answer: 401 and 403 unauthorized, 404 and 410 not_found, 409 and
// 412 conflict, 429 exhausted, 503 unavailable, 408 and 504 timeout, 405, 415 and 501 unsupported,
// other 4xx invalid_input, other 5xx unavailable.
Condition condition_for(int status) noexcept;

// An answer of type application/problem+json (RFC 9457): type about:blank, the status's title,
// `detail` and further members. 401 carries WWW-Authenticate, 503 Retry-After.
Response problem(int status, const std::string& detail, const JsonObject& members = {});

// The answer to an Error: its detail, its condition, `applied` where that is unknown, and for a
// DocumentError every error with its path.
Response problem(const Error& error);

// The Error which an answer that is no success stands for, its detail taken from problem+json where
// it is that. A 5xx is `applied: unknown`, but for 501 and 503 which says so itself.
Error to_error(const Response& response);

}  // namespace sinew::http
