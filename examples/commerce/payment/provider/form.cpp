#include "examples/commerce/payment/provider/form.hpp"

#include <cctype>

namespace commerce::payment {
namespace {

void escape(std::string& text, std::string_view value) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  constexpr std::string_view plain = "*-._";
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == ' ') {
      text += '+';
    } else if ((byte < 0x80 && std::isalnum(byte) != 0) || plain.contains(c)) {
      text += c;
    } else {
      text += '%';
      text += digits[byte >> 4];
      text += digits[byte & 15];
    }
  }
}

}  // namespace

Form& Form::add(std::string_view name, std::string_view value) {
  if (!text_.empty()) text_ += '&';
  escape(text_, name);
  text_ += '=';
  escape(text_, value);
  return *this;
}

}  // namespace commerce::payment
