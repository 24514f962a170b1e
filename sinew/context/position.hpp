#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "sinew/base/instant.hpp"
#include "sinew/http/message.hpp"
#include "sinew/store/checkpoint.hpp"

// Reading one's own writes over HTTP. The answer to a command says in Sinew-Position where its
// events stand in the log of its context (Context::with_position). A client that sends that back in
// Sinew-Min-Position gets a query's answer once the view behind it holds them
// (ContextSpec::route with a view), or a refusal, but never the view of before.
namespace sinew::context {

inline constexpr const char* position_field = "Sinew-Position";
inline constexpr const char* min_position_field = "Sinew-Min-Position";

// How long a query waits for its view, unless the request prefers another time (`Prefer: wait=5`,
// in seconds, RFC 7240) up to the longest, which stays below http::ServerOptions::handler_timeout.
inline constexpr Duration view_patience = std::chrono::seconds(2);
inline constexpr Duration longest_view_patience = std::chrono::seconds(20);

// `sales:0000000000000012`: with the context's name, since a place in another log means nothing.
std::string write_position(std::string_view context, const store::Checkpoint& position);
// The inverse, of that context. Throws Error invalid_input for another one's and for anything that
// write_position() does not give; the start of a log is no position.
store::Checkpoint read_position(std::string_view context, std::string_view text);

struct ViewWait {
  store::Checkpoint position;
  Duration patience = view_patience;
};

// What a request asks of the view that answers it; nothing: as the view is now. Preferences that
// cannot be understood are ignored, as their RFC demands. Throws Error invalid_input as above, and
// for more than one position.
std::optional<ViewWait> requested_wait(std::string_view context, const http::Request& request);

}  // namespace sinew::context
