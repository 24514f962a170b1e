#include "sinew/wire/uri.hpp"

#include <algorithm>
#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <charconv>

#include "sinew/base/utf8.hpp"
#include "sinew/wire/chars.hpp"

namespace sinew::wire {
namespace {

bool is_printable_utf8(std::string_view text) noexcept {
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (code < 0x20 || code == 0x7f) return false;
  }
  return !find_malformed_utf8(text);
}

bool append_decoded(std::string_view text, std::string& out) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    if (text.size() - i < 3 || !is(text[i + 1], kHex) || !is(text[i + 2], kHex)) return false;
    out.push_back(static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2])));
    i += 2;
  }
  return true;
}

}  // namespace

std::expected<std::string, Fault> percent_decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  if (!append_decoded(text, decoded) || !is_printable_utf8(decoded)) {
    return std::unexpected(Fault::bad_target);
  }
  return decoded;
}

std::expected<std::string, Fault> normalize_path(std::string_view path) {
  std::string normal;  // "/a/b", without a slash at the end
  bool ends_in_slash = path.empty();
  if (!path.empty() && path.front() != '/') return std::unexpected(Fault::bad_target);
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::string_view encoded = path.substr(0, path.find('/'));
    path.remove_prefix(encoded.size());
    const auto segment = percent_decode(encoded);
    if (!segment || segment->find_first_of("/\\") != std::string::npos) {
      return std::unexpected(Fault::bad_target);
    }
    ends_in_slash = segment->empty() || *segment == "." || *segment == "..";
    if (*segment == "..") {
      if (normal.empty()) return std::unexpected(Fault::bad_target);
      normal.erase(normal.rfind('/'));
    } else if (!ends_in_slash) {
      normal.append("/").append(*segment);
    }
  }
  if (ends_in_slash) normal.push_back('/');
  return normal;
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view kHexDigits = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    if (is(c, kUnreserved)) {
      encoded.push_back(c);
      continue;
    }
    const auto code = static_cast<unsigned char>(c);
    encoded.append({'%', kHexDigits[code >> 4U], kHexDigits[code & 15U]});
  }
  return encoded;
}

std::expected<std::vector<QueryParameter>, Fault> parse_query(std::string_view query) {
  const auto decode = [](std::string_view text) {
    std::string spaced(text);
    for (char& c : spaced)
      c = c == '+' ? ' ' : c;
    return percent_decode(spaced);
  };
  std::vector<QueryParameter> parameters;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    auto name = decode(pair.substr(0, equals));
    auto value = decode(pair.substr(std::min(equals + 1, pair.size())));
    if (!name || !value || name->empty() || parameters.size() == kMaxQueryParameters) {
      return std::unexpected(Fault::bad_query);
    }
    parameters.push_back({std::move(*name), std::move(*value)});
  }
  return parameters;
}

std::string Url::authority() const {
  std::string text = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != (scheme == "https" ? 443 : 80)) text += ":" + std::to_string(port);
  return text;
}

std::expected<Url, Fault> parse_url(std::string_view text) {
  const auto parsed = boost::urls::parse_uri(boost::urls::string_view(text.data(), text.size()));
  if (parsed.has_error()) return std::unexpected(Fault::bad_url);
  boost::urls::url normal(*parsed);
  normal.normalize();

  Url url;
  url.scheme = std::string(normal.scheme());
  if (url.scheme != "http" && url.scheme != "https") return std::unexpected(Fault::bad_url);
  url.host = normal.host_address();
  if (url.host.empty() || normal.has_userinfo()) return std::unexpected(Fault::bad_url);
  url.port = url.scheme == "https" ? 443 : 80;
  if (normal.has_port()) {
    const std::string port(normal.port());
    const auto read = std::from_chars(port.data(), port.data() + port.size(), url.port);
    if (read.ec != std::errc() || url.port == 0) return std::unexpected(Fault::bad_url);
  }
  const std::string path(normal.encoded_path());
  url.target = path.empty() ? "/" : path;
  if (normal.has_query()) url.target += "?" + std::string(normal.encoded_query());
  return url;
}

}  // namespace sinew::wire
