#pragma once

#include <functional>
#include <type_traits>
#include <utility>

#include "sinew/async/task.hpp"
#include "sinew/base/described.hpp"
#include "sinew/http/message.hpp"

// What may answer a route: a function or lambda that takes
//
//   (const Request&)            or        (const Request&, const Body&)        or     (const Body&)
//
// by value or const reference, Body being a struct that Boost.Describe knows, read strictly from
// the JSON of the request, and that gives a Task of Response, of such a struct (200 with its JSON)
// or of void (204).
namespace sinew::http {

// Answers one request. The request lives until the task ends. Runs on the server's worker.
using Handler = std::function<Task<Response>(const Request&)>;

// The body as a Body. Throws StatusError 415 when it is not JSON, DocumentError with all that is
// wrong, Error invalid_input when it is not valid JSON.
template <class Body>
Body read_body(const Request& request) {
  return from_json<Body>(request.json(), ReadMode::strict);
}

// A struct as JSON, where Response's own makers take a Json.
template <class T>
concept Described = boost::describe::has_describe_members<T>::value;

template <Described T>
Response ok(const T& body) {
  return ok(to_json(body));
}
template <Described T>
Response created(std::string location, const T& body) {
  return created(std::move(location), to_json(body));
}
template <Described T>
Response accepted(const T& body) {
  return accepted(to_json(body));
}

namespace detail {

template <class F>
struct Signature : Signature<decltype(&F::operator())> {};
template <class R, class... Args>
struct Signature<R(Args...)> {
  using Result = R;
  using Function = R(Args...);
};
template <class R, class... Args>
struct Signature<R (*)(Args...)> : Signature<R(Args...)> {};
template <class C, class R, class... Args>
struct Signature<R (C::*)(Args...)> : Signature<R(Args...)> {};
template <class C, class R, class... Args>
struct Signature<R (C::*)(Args...) const> : Signature<R(Args...)> {};

inline Response answer_with(Response response) { return response; }
template <class T>
Response answer_with(const T& value) {
  return ok(to_json(value));
}

template <class T>
Task<Response> answer_from(Task<T> task) {
  if constexpr (std::is_void_v<T>) {
    co_await task;
    co_return no_content();
  } else {
    co_return answer_with(co_await task);
  }
}

// Coroutines, so that the body lives as long as the handler runs. `function` lives in its route.
template <class F, class R>
Task<Response> call(const F& function, const Request& request, R (*)(const Request&)) {
  co_return co_await answer_from(function(request));
}
template <class F, class R, class Body>
Task<Response> call(const F& function, const Request& request, R (*)(Body)) {
  const std::remove_cvref_t<Body> body = read_body<std::remove_cvref_t<Body>>(request);
  co_return co_await answer_from(function(body));
}
template <class F, class R, class Body>
Task<Response> call(const F& function, const Request& request, R (*)(const Request&, Body)) {
  const std::remove_cvref_t<Body> body = read_body<std::remove_cvref_t<Body>>(request);
  co_return co_await answer_from(function(request, body));
}

}  // namespace detail

template <class F>
Handler make_handler(F function) {
  using Function = typename detail::Signature<F>::Function;
  return [function = std::move(function)](const Request& request) {
    return detail::call(function, request, static_cast<Function*>(nullptr));
  };
}

// A member function of `object`, which outlives the router.
template <class Object, class R, class... Args>
Handler make_handler(Object& object, R (Object::*function)(Args...)) {
  return make_handler([&object, function](Args... args) -> R {
    return (object.*function)(std::forward<Args>(args)...);
  });
}

}  // namespace sinew::http
