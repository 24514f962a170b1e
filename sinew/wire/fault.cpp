#include "sinew/wire/fault.hpp"

#include <string>

namespace sinew::wire {
namespace {

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "sinew.wire"; }
  std::string message(int value) const override {
    return std::string(to_string(static_cast<Fault>(value)));
  }
};

}  // namespace

std::string_view to_string(Fault fault) noexcept {
  switch (fault) {
    case Fault::none: return "no fault";
    case Fault::start_line_too_long: return "the start line is longer than the limit";
    case Fault::bad_request_line: return "the request line is not `method target version`";
    case Fault::bad_method: return "the method is not a token";
    case Fault::bad_target: return "the request target has no valid form for this method";
    case Fault::bad_status_line: return "the status line is not `version status reason`";
    case Fault::bad_version: return "the protocol version is malformed";
    case Fault::unsupported_version: return "only HTTP/1.0 and HTTP/1.1 are spoken here";
    case Fault::bare_line_feed: return "a line ends in a bare line feed";
    case Fault::bare_carriage_return: return "a carriage return stands without its line feed";
    case Fault::folded_field: return "a field line begins with white space (line folding)";
    case Fault::bad_field_name: return "a field name is not a token";
    case Fault::space_before_colon: return "white space stands between a field name and its colon";
    case Fault::bad_field_value: return "a field value contains a control character";
    case Fault::fields_too_large: return "the header section is longer than the limit";
    case Fault::too_many_fields: return "there are more field lines than the limit";
    case Fault::missing_host: return "an HTTP/1.1 request has no Host";
    case Fault::repeated_host: return "Host is given more than once";
    case Fault::bad_host: return "the host is empty or malformed";
    case Fault::differing_host: return "Host and the request target name different authorities";
    case Fault::length_and_coding: return "both Content-Length and Transfer-Encoding are given";
    case Fault::bad_content_length: return "Content-Length is not one decimal number";
    case Fault::repeated_content_length: return "Content-Length is given more than once";
    case Fault::bad_transfer_coding: return "Transfer-Encoding does not end in one `chunked`";
    case Fault::repeated_transfer_coding: return "Transfer-Encoding is given more than once";
    case Fault::unsupported_transfer_coding: return "only the transfer coding `chunked` is known";
    case Fault::transfer_coding_in_http_1_0: return "HTTP/1.0 has no Transfer-Encoding";
    case Fault::body_not_allowed: return "this kind of message cannot have a body";
    case Fault::bad_connection: return "Connection is not a list of tokens";
    case Fault::unsupported_expectation: return "only the expectation `100-continue` is known";
    case Fault::body_too_large: return "the body is longer than the limit";
    case Fault::bad_chunk_size: return "a chunk size is not a hexadecimal number";
    case Fault::bad_chunk_extension: return "a chunk extension is malformed";
    case Fault::chunk_extensions_too_large: return "the chunk extensions are longer than the limit";
    case Fault::bad_chunk_end: return "a chunk is longer than its size says";
    case Fault::forbidden_trailer: return "a trailer field may only stand in the header";
    case Fault::trailers_too_large: return "the trailer section is longer than the limit";
    case Fault::truncated: return "the connection closed before the message was whole";
    case Fault::too_many_interim_answers: return "too many interim answers precede the final one";
    case Fault::not_proxy_protocol: return "the connection does not begin with a PROXY header";
    case Fault::bad_proxy_header: return "the PROXY header is malformed";
    case Fault::proxy_header_too_long: return "the PROXY header is longer than the limit";
    case Fault::bad_proxy_checksum: return "the PROXY header's checksum does not match";
    case Fault::no_space: return "the message does not fit into the buffer";
    case Fault::bad_url: return "the URL is malformed";
    case Fault::bad_query: return "the query is malformed";
  }
  return "unknown fault";
}

int status_for(Fault fault) noexcept {
  switch (fault) {
    case Fault::none: return 200;
    case Fault::start_line_too_long: return 414;
    case Fault::fields_too_large:
    case Fault::too_many_fields:
    case Fault::trailers_too_large: return 431;
    case Fault::body_too_large:
    case Fault::chunk_extensions_too_large: return 413;
    case Fault::unsupported_expectation: return 417;
    case Fault::unsupported_transfer_coding: return 501;
    case Fault::unsupported_version: return 505;
    case Fault::no_space: return 500;
    default: return 400;
  }
}

const std::error_category& wire_category() noexcept {
  static const Category category;
  return category;
}

std::error_code make_error_code(Fault fault) noexcept {
  return {static_cast<int>(fault), wire_category()};
}

}  // namespace sinew::wire
