#pragma once

#include <string>

#include "sinew/base/time.hpp"
#include "sinew/http/message.hpp"
#include "sinew/wire/fault.hpp"

namespace sinew::http {

// How one answer goes out.
struct SendAs {
  bool head = false;   // the answer to HEAD: as for GET, without the body
  bool close = false;  // says `Connection: close`
  Timestamp date;
};

// The answer's bytes in `out`, replacing what was there. Content-Length, Connection, Date and
// Transfer-Encoding are the server's: a handler's own are left out, but for its Date. Faults: a
// field that could end a line, a status outside 200 to 599.
wire::Fault write_response(const Response& response, SendAs how, std::string& out);

}  // namespace sinew::http
