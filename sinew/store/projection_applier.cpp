#include "sinew/store/projection_applier.hpp"

#include <fmt/format.h>

#include "sinew/base/error.hpp"

namespace sinew::store {
namespace {

constexpr std::size_t longest_error = 1000;  // bytes that are kept of what apply() says

}  // namespace

Task<void> ProjectionApplier::apply(Transaction& transaction, const RecordedEvent& event) {
  if (left_out_.contains(event.id)) co_return;
  ViewTransaction view(transaction, statements_);
  co_await projection_.apply(view, event);
}

ApplyFailure judge(const std::exception_ptr& failure, const ApplyAttempt& attempt) {
  try {
    std::rethrow_exception(failure);
  } catch (const Error& error) {
    if (error.condition() == Condition::cancelled || attempt.overtaken) {
      return ApplyFailure::foreign;
    }
    if (error.transient()) return ApplyFailure::transient;
  } catch (...) {
    if (attempt.overtaken) return ApplyFailure::foreign;
  }
  return attempt.refused ? ApplyFailure::refused : ApplyFailure::transient;
}

std::string describe(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const Error& error) {
    return error.detail();
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "unknown exception";
  }
}

std::string describe(const RecordedEvent& event, std::string_view error) {
  return fmt::format("event {} (type {}, stream {}, version {}): {}", to_string(event.id),
                     event.type, event.stream, event.stream_version,
                     error.substr(0, longest_error));
}

}  // namespace sinew::store
