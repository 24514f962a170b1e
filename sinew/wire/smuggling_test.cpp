// Ambiguous and malformed messages of the published literature on request smuggling, each with its
// verdict: RFC 9112, section 11; Linhart et al., "HTTP Request Smuggling" (2005); Kettle, "HTTP
// Desync Attacks" (2019); Klein, "HTTP Request Smuggling in 2020"; Grenfeldt et al., "Attacking
// Websites Using HTTP Request Smuggling" (2021); Weikop, "Funky Chunks" (2025). Every case also has
// to come out the same for every split. fuzz/corpus holds the same bytes.

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "sinew/wire/test_transcript.hpp"

namespace sinew::wire {
namespace {

using namespace std::string_view_literals;

struct Case {
  const char* name;
  std::string_view bytes;
  Fault fault;
};

#define GET_LINE "GET / HTTP/1.1\r\n"
#define POST_LINE "POST / HTTP/1.1\r\nHost: h\r\n"
#define CHUNKED POST_LINE "Transfer-Encoding: chunked\r\n\r\n"

const Case kRequests[] = {
    // Content-Length and Transfer-Encoding together, repeated, disguised.
    {"cl_te", POST_LINE "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG"sv,
     Fault::length_and_coding},
    {"te_cl", POST_LINE "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\n"sv,
     Fault::length_and_coding},
    {"cl_zero_te", POST_LINE "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"sv,
     Fault::length_and_coding},
    {"cl_cl_same", POST_LINE "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"sv,
     Fault::repeated_content_length},
    {"cl_cl_differing", POST_LINE "Content-Length: 5\r\ncontent-length: 0\r\n\r\nhello"sv,
     Fault::repeated_content_length},
    {"cl_list", POST_LINE "Content-Length: 5,5\r\n\r\nhello"sv, Fault::bad_content_length},
    {"cl_list_spaced", POST_LINE "Content-Length: 5, 6\r\n\r\nhello"sv, Fault::bad_content_length},
    {"cl_plus", POST_LINE "Content-Length: +5\r\n\r\nhello"sv, Fault::bad_content_length},
    {"cl_minus", POST_LINE "Content-Length: -5\r\n\r\nhello"sv, Fault::bad_content_length},
    {"cl_hex", POST_LINE "Content-Length: 0x5\r\n\r\nhello"sv, Fault::bad_content_length},
    {"cl_inner_space", POST_LINE "Content-Length: 1 0\r\n\r\nhello"sv, Fault::bad_content_length},
    {"cl_underscore", POST_LINE "Content-Length: 1_0\r\n\r\nhello"sv, Fault::bad_content_length},
    {"cl_decimal_point", POST_LINE "Content-Length: 5.0\r\n\r\nhello"sv, Fault::bad_content_length},
    {"cl_exponent", POST_LINE "Content-Length: 1e1\r\n\r\nhello"sv, Fault::bad_content_length},
    {"cl_empty", POST_LINE "Content-Length:\r\n\r\n"sv, Fault::bad_content_length},
    {"cl_overflows_64_bit", POST_LINE "Content-Length: 18446744073709551621\r\n\r\nhello"sv,
     Fault::bad_content_length},
    {"cl_after_tab", POST_LINE "Content-Length:\t5\r\n\r\nhello"sv, Fault::bad_content_length},
    {"cl_after_vertical_tab", POST_LINE "Content-Length: \v5\r\n\r\nhello"sv,
     Fault::bad_field_value},
    {"cl_non_ascii_digits", POST_LINE "Content-Length: \xd9\xa5\r\n\r\nhello"sv,
     Fault::bad_content_length},
    {"te_twice",
     POST_LINE "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"sv,
     Fault::repeated_transfer_coding},
    {"te_chunked_then_cow",
     POST_LINE "Transfer-Encoding: chunked\r\nTransfer-encoding: cow\r\n\r\n0\r\n\r\n"sv,
     Fault::repeated_transfer_coding},
    {"te_x_prefix", POST_LINE "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"sv,
     Fault::bad_transfer_coding},
    {"te_identity_last", POST_LINE "Transfer-Encoding: Chunked, identity\r\n\r\n0\r\n\r\n"sv,
     Fault::bad_transfer_coding},
    {"te_identity", POST_LINE "Transfer-Encoding: identity\r\n\r\n"sv, Fault::bad_transfer_coding},
    {"te_chunked_chunked", POST_LINE "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"sv,
     Fault::bad_transfer_coding},
    {"te_gzip_chunked", POST_LINE "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"sv,
     Fault::unsupported_transfer_coding},
    {"te_leading_comma", POST_LINE "Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n"sv,
     Fault::unsupported_transfer_coding},
    {"te_quoted", POST_LINE "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"sv,
     Fault::bad_transfer_coding},
    {"te_with_parameter", POST_LINE "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n"sv,
     Fault::bad_transfer_coding},
    {"te_empty", POST_LINE "Transfer-Encoding:\r\n\r\n"sv, Fault::bad_transfer_coding},
    {"te_after_tab", POST_LINE "Transfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n"sv,
     Fault::bad_transfer_coding},
    {"te_after_vertical_tab", POST_LINE "Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n"sv,
     Fault::bad_field_value},
    {"te_before_nul", POST_LINE "Transfer-Encoding: chunked\0\r\n\r\n0\r\n\r\n"sv,
     Fault::bad_field_value},
    {"te_kelvin_sign",
     POST_LINE "Transfer-Encoding: chun\xe2\x84\xaa"
               "ed\r\n\r\n0\r\n\r\n"sv,
     Fault::bad_transfer_coding},
    {"te_space_before_colon", POST_LINE "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"sv,
     Fault::space_before_colon},
    {"te_tab_before_colon", POST_LINE "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n"sv,
     Fault::space_before_colon},
    {"te_leading_space", POST_LINE " Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"sv,
     Fault::folded_field},
    {"te_folded", POST_LINE "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"sv,
     Fault::folded_field},
    {"te_in_folded_line", POST_LINE "X: y\r\n\tTransfer-Encoding: chunked\r\n\r\n"sv,
     Fault::folded_field},
    {"te_behind_bare_lf", POST_LINE "X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"sv,
     Fault::bare_line_feed},
    {"te_behind_bare_cr", POST_LINE "X: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"sv,
     Fault::bare_carriage_return},
    {"te_cr_before_colon", POST_LINE "Transfer-Encoding\r: chunked\r\n\r\n0\r\n\r\n"sv,
     Fault::bare_carriage_return},
    {"te_name_with_nul", POST_LINE "Transfer-Encoding\0: chunked\r\n\r\n0\r\n\r\n"sv,
     Fault::bad_field_name},
    {"te_name_with_byte_above_ascii", POST_LINE "Transfer-Encoding\xff: chunked\r\n\r\n"sv,
     Fault::bad_field_name},
    {"te_in_http_1_0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"sv,
     Fault::transfer_coding_in_http_1_0},
    {"te_on_trace", "TRACE / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"sv,
     Fault::body_not_allowed},
    {"cl_on_connect", "CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\nContent-Length: 3\r\n\r\nabc"sv,
     Fault::body_not_allowed},

    // Lines.
    {"bare_lf_after_request_line", "GET / HTTP/1.1\nHost: h\r\n\r\n"sv, Fault::bare_line_feed},
    {"bare_lf_empty_line", GET_LINE "Host: h\r\n\n"sv, Fault::bare_line_feed},
    {"bare_lf_first", "\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"sv, Fault::bare_line_feed},
    {"cr_cr_lf", GET_LINE "Host: h\r\r\n\r\n"sv, Fault::bare_carriage_return},
    {"cr_in_request_line", "GET /\r HTTP/1.1\r\nHost: h\r\n\r\n"sv, Fault::bare_carriage_return},
    {"name_empty", GET_LINE "Host: h\r\n: x\r\n\r\n"sv, Fault::bad_field_name},
    {"name_with_space", GET_LINE "Host: h\r\nX Y: z\r\n\r\n"sv, Fault::space_before_colon},
    {"name_with_brace", GET_LINE "Host: h\r\n{x}: y\r\n\r\n"sv, Fault::bad_field_name},
    {"line_without_colon", GET_LINE "Host: h\r\nnonsense\r\n\r\n"sv, Fault::bad_field_name},
    {"value_with_nul", GET_LINE "Host: h\r\nX: a\0b\r\n\r\n"sv, Fault::bad_field_value},
    {"value_with_delete",
     GET_LINE "Host: h\r\nX: a\x7f"
              "b\r\n\r\n"sv,
     Fault::bad_field_value},
    {"first_line_folded", GET_LINE " Host: h\r\n\r\n"sv, Fault::folded_field},
    {"connection_no_list", GET_LINE "Host: h\r\nConnection: a b\r\n\r\n"sv, Fault::bad_connection},

    // Request lines.
    {"http_0_9", "GET /\r\n"sv, Fault::bad_request_line},
    {"version_trailing_space", "GET / HTTP/1.1 \r\nHost: h\r\n\r\n"sv, Fault::bad_version},
    {"version_lower_case", "GET / http/1.1\r\nHost: h\r\n\r\n"sv, Fault::bad_version},
    {"version_two_digits", "GET / HTTP/1.10\r\nHost: h\r\n\r\n"sv, Fault::bad_version},
    {"version_comma", "GET / HTTP/1,1\r\nHost: h\r\n\r\n"sv, Fault::bad_version},
    {"version_0_9", "GET / HTTP/0.9\r\n\r\n"sv, Fault::unsupported_version},
    {"version_1_2", "GET / HTTP/1.2\r\nHost: h\r\n\r\n"sv, Fault::unsupported_version},
    {"version_2_preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"sv, Fault::unsupported_version},
    {"two_spaces", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n"sv, Fault::bad_version},
    {"tab_between", "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n"sv, Fault::bad_method},
    {"space_in_target", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n"sv, Fault::bad_version},
    {"nul_in_target", "GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n"sv, Fault::bad_target},
    {"method_with_colon", "GET: / HTTP/1.1\r\nHost: h\r\n\r\n"sv, Fault::bad_method},
    {"leading_space", " GET / HTTP/1.1\r\nHost: h\r\n\r\n"sv, Fault::bad_method},
    {"tls_client_hello", "\x16\x03\x01\x00\x05\r\n"sv, Fault::bad_method},

    // Chunks.
    {"chunk_0x", CHUNKED "0x5\r\nhello\r\n0\r\n\r\n"sv, Fault::bad_chunk_size},
    {"chunk_plus", CHUNKED "+5\r\nhello\r\n0\r\n\r\n"sv, Fault::bad_chunk_size},
    {"chunk_minus", CHUNKED "-5\r\nhello\r\n0\r\n\r\n"sv, Fault::bad_chunk_size},
    {"chunk_underscore", CHUNKED "0_5\r\nhello\r\n0\r\n\r\n"sv, Fault::bad_chunk_size},
    {"chunk_empty_size", CHUNKED "\r\nhello\r\n0\r\n\r\n"sv, Fault::bad_chunk_size},
    {"chunk_leading_space", CHUNKED " 5\r\nhello\r\n0\r\n\r\n"sv, Fault::bad_chunk_size},
    {"chunk_trailing_space", CHUNKED "5 \r\nhello\r\n0\r\n\r\n"sv, Fault::bad_chunk_size},
    {"chunk_not_hex", CHUNKED "5g\r\nhello\r\n0\r\n\r\n"sv, Fault::bad_chunk_size},
    {"chunk_overflow_64_bit", CHUNKED "10000000000000005\r\nhello\r\n0\r\n\r\n"sv,
     Fault::bad_chunk_size},
    {"chunk_endless_zeros", CHUNKED "00000000000000000000000000000000000000000000000000000000000"sv,
     Fault::bad_chunk_size},
    {"chunk_size_bare_lf", CHUNKED "5\nhello\r\n0\r\n\r\n"sv, Fault::bare_line_feed},
    {"chunk_data_bare_lf", CHUNKED "5\r\nhello\n0\r\n\r\n"sv, Fault::bad_chunk_end},
    {"chunk_data_longer", CHUNKED "5\r\nhello!\r\n0\r\n\r\n"sv, Fault::bad_chunk_end},
    {"chunk_data_cr_only", CHUNKED "5\r\nhello\rX0\r\n\r\n"sv, Fault::bad_chunk_end},
    {"extension_empty", CHUNKED "5;\r\nhello\r\n0\r\n\r\n"sv, Fault::bad_chunk_extension},
    {"extension_bad_white_space", CHUNKED "5 ;a=b\r\nhello\r\n0\r\n\r\n"sv, Fault::bad_chunk_size},
    {"extension_bare_lf", CHUNKED "5;\nxx\r\nhello\r\n0\r\n\r\n"sv, Fault::bare_line_feed},
    {"extension_bare_cr", CHUNKED "5;a\rb\r\nhello\r\n0\r\n\r\n"sv, Fault::bad_chunk_extension},
    {"extension_without_value", CHUNKED "5;a=\r\nhello\r\n0\r\n\r\n"sv, Fault::bad_chunk_extension},
    {"extension_open_quote", CHUNKED "5;a=\"b\r\nhello\r\n0\r\n\r\n"sv, Fault::bad_chunk_extension},
    {"extension_nul", CHUNKED "5;a=\"\0\"\r\nhello\r\n0\r\n\r\n"sv, Fault::bad_chunk_extension},
    {"extension_too_long", CHUNKED "5;abcdefghijklmnopqrstuvwxyz\r\nhello\r\n0\r\n\r\n"sv,
     Fault::chunk_extensions_too_large},
    {"extensions_add_up", CHUNKED "1;abcdefghijklm\r\nx\r\n1;abcdefghijklm\r\nx\r\n0\r\n\r\n"sv,
     Fault::chunk_extensions_too_large},
    {"body_over_limit",
     CHUNKED "30\r\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n11\r\n"sv,
     Fault::body_too_large},
    {"length_over_limit", POST_LINE "Content-Length: 65\r\n\r\n"sv, Fault::body_too_large},

    // Trailers.
    {"trailer_te", CHUNKED "0\r\nTransfer-Encoding: chunked\r\n\r\n"sv, Fault::forbidden_trailer},
    {"trailer_cl", CHUNKED "0\r\nContent-Length: 5\r\n\r\n"sv, Fault::forbidden_trailer},
    {"trailer_host", CHUNKED "0\r\nHost: evil\r\n\r\n"sv, Fault::forbidden_trailer},
    {"trailer_bare_lf", CHUNKED "0\r\n\n"sv, Fault::bare_line_feed},
    {"trailer_folded", CHUNKED "0\r\nA: b\r\n c\r\n\r\n"sv, Fault::folded_field},
    {"trailer_space_before_colon", CHUNKED "0\r\nA : b\r\n\r\n"sv, Fault::space_before_colon},
    {"trailers_too_many", CHUNKED "0\r\nA: b\r\nC: d\r\nE: f\r\n\r\n"sv, Fault::too_many_fields},
    {"trailers_too_large",
     CHUNKED "0\r\nA: 1234567890123456789012345678901234567890123456789012345678901234\r\n\r\n"sv,
     Fault::trailers_too_large},
};

const Case kGoodRequests[] = {
    {"plain", GET_LINE "Host: h\r\n\r\n"sv, Fault::none},
    {"length", POST_LINE "Content-Length: 5\r\n\r\nhello"sv, Fault::none},
    {"chunks_in_any_case",
     POST_LINE "Transfer-Encoding:CHUNKED\r\n\r\n5\r\nhello\r\n00a\r\n0123456789\r\n0\r\n\r\n"sv,
     Fault::none},
    {"extensions", CHUNKED "5;a;b=c;d=\"e\\\" f\"\r\nhello\r\n0\r\n\r\n"sv, Fault::none},
    {"trailers", CHUNKED "5\r\nhello\r\n0\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n"sv, Fault::none},
    {"pipelined",
     CHUNKED "1\r\nx\r\n0\r\n\r\n" GET_LINE "Host: h\r\n\r\n\r\n" POST_LINE
             "Content-Length: 2\r\n\r\nhi"sv,
     Fault::none},
    {"truncated_head", GET_LINE "Host: h\r\n"sv, Fault::none},
    {"truncated_body", POST_LINE "Content-Length: 5\r\n\r\nhel"sv, Fault::none},
    {"truncated_chunk", CHUNKED "5\r\nhel"sv, Fault::none},
};

#define OK_LINE "HTTP/1.1 200 OK\r\n"

const Case kAnswers[] = {
    {"length", OK_LINE "Content-Length: 5\r\n\r\nhello"sv, Fault::none},
    {"chunked", OK_LINE "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"sv, Fault::none},
    {"until_close", OK_LINE "\r\nhello and more"sv, Fault::none},
    {"until_close_over_limit",
     OK_LINE "\r\n01234567890123456789012345678901234567890123456789012345678901234"sv,
     Fault::body_too_large},
    {"interim_then_final", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"sv,
     Fault::none},
    {"not_modified_with_length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"sv,
     Fault::none},
    {"no_reason",
     "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\nHTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"sv,
     Fault::none},
    {"reason_above_ascii", "HTTP/1.1 200 \xc3\xa9\r\nContent-Length: 0\r\n\r\n"sv, Fault::none},
    {"tunnel",
     "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nany\0thing"sv,
     Fault::none},
    {"cl_te", OK_LINE "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"sv,
     Fault::length_and_coding},
    {"cl_cl", OK_LINE "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"sv,
     Fault::repeated_content_length},
    {"cl_bad", OK_LINE "Content-Length: 5 5\r\n\r\nhello"sv, Fault::bad_content_length},
    {"te_not_chunked", OK_LINE "Transfer-Encoding: gzip\r\n\r\n"sv, Fault::bad_transfer_coding},
    {"te_in_http_1_0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"sv,
     Fault::transfer_coding_in_http_1_0},
    {"no_content_with_length", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello"sv,
     Fault::body_not_allowed},
    {"interim_with_coding", "HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n"sv,
     Fault::body_not_allowed},
    {"status_two_digits", "HTTP/1.1 99 x\r\n\r\n"sv, Fault::bad_status_line},
    {"status_four_digits", "HTTP/1.1 2000 x\r\n\r\n"sv, Fault::bad_status_line},
    {"status_out_of_range", "HTTP/1.1 600 x\r\n\r\n"sv, Fault::bad_status_line},
    {"status_signed", "HTTP/1.1 +20 x\r\n\r\n"sv, Fault::bad_status_line},
    {"status_after_two_spaces", "HTTP/1.1  200 OK\r\n\r\n"sv, Fault::bad_status_line},
    {"version_of_shoutcast", "ICY 200 OK\r\n\r\n"sv, Fault::bad_version},
    {"version_lower_case", "http/1.1 200 OK\r\n\r\n"sv, Fault::bad_version},
    {"reason_with_control", "HTTP/1.1 200 O\x01K\r\n\r\n"sv, Fault::bad_status_line},
    {"reason_with_cr", "HTTP/1.1 200 O\rK\r\n\r\n"sv, Fault::bare_carriage_return},
    {"bare_lf", "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n"sv, Fault::bare_line_feed},
    {"folded", OK_LINE "A: b\r\n c\r\n\r\n"sv, Fault::folded_field},
    {"space_before_colon", OK_LINE "Content-Length : 5\r\n\r\nhello"sv, Fault::space_before_colon},
    {"truncated_chunk", OK_LINE "Transfer-Encoding: chunked\r\n\r\n5\r\nhel"sv, Fault::none},
};

template <typename R>
void expect_verdict(const R& fresh, const Case& example) {
  SCOPED_TRACE(example.name);
  R receiver = fresh;
  receiver.arrive(example.bytes);

  EXPECT_EQ(to_string(receiver.fault()), to_string(example.fault)) << receiver.transcript();

  const std::string expected = test::whole(fresh, example.bytes);
  EXPECT_EQ(test::byte_by_byte(fresh, example.bytes), expected);
  for (std::size_t cut = 0; cut <= example.bytes.size(); ++cut) {
    EXPECT_EQ(test::cut_in_two(fresh, example.bytes, cut), expected) << "cut at " << cut;
  }
}

TEST(Smuggling, RequestsAreRefusedForEverySplit) {
  for (const Case& example : kRequests)
    expect_verdict(test::request_receiver(), example);
}

TEST(Smuggling, GoodRequestsPassForEverySplit) {
  for (const Case& example : kGoodRequests)
    expect_verdict(test::request_receiver(), example);
}

TEST(Smuggling, AnswersAreJudgedForEverySplit) {
  for (const Case& example : kAnswers)
    expect_verdict(test::answer_receiver(), example);
}

TEST(Smuggling, EveryRefusalOfARequestClosesWithAStatusOfItsOwn) {
  for (const Case& example : kRequests) {
    const int status = status_for(example.fault);
    EXPECT_TRUE(status == 400 || status == 413 || status == 431 || status == 501 || status == 505)
        << example.name;
  }
}

}  // namespace
}  // namespace sinew::wire
