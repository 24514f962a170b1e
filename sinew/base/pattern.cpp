#include "sinew/base/pattern.hpp"

#include <fmt/format.h>

#include <boost/regex.hpp>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>

#include "sinew/base/error.hpp"

namespace sinew {
namespace {

const boost::regex& compiled(std::string_view expression) {
  thread_local std::map<std::string, boost::regex, std::less<>> cache;
  const auto known = cache.find(expression);
  if (known != cache.end()) return known->second;
  try {
    return cache.emplace(expression, std::string(expression)).first->second;
  } catch (const boost::regex_error& error) {
    throw Error(Condition::invalid_input, fmt::format("the pattern {} is no regular expression: {}",
                                                      expression, error.what()));
  }
}

}  // namespace

bool matches_pattern(std::string_view text, std::string_view expression) {
  // Without the flag `^` and `$` match at line ends inside the text, and a second line passes.
  const auto flags = boost::match_default | boost::match_single_line | boost::match_not_dot_newline;
  const boost::regex& regex = compiled(expression);
  try {
    return boost::regex_search(text.begin(), text.end(), regex, flags);
  } catch (const std::runtime_error&) {
    return false;
  }
}

}  // namespace sinew
