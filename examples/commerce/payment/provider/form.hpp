#pragma once

#include <string>
#include <string_view>

namespace commerce::payment {

// A body of type application/x-www-form-urlencoded (WHATWG URL, section 5.2): name and value are
// UTF-8, everything but letters, digits and `*-._` is escaped, a space is `+`.
class Form {
 public:
  Form& add(std::string_view name, std::string_view value);
  const std::string& text() const noexcept { return text_; }

 private:
  std::string text_;
};

}  // namespace commerce::payment
