#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/async/task.hpp"
#include "sinew/http/handler.hpp"
#include "sinew/http/message.hpp"

namespace sinew::http {

// Lets a request pass or throws an Error (unauthorized, ...), which becomes the answer.
using Guard = std::function<void(const Request&)>;

// Which handler answers which method and path. A pattern is a path whose segments are literal or
// one `{parameter}`: "/orders/{id}/lines". A literal segment wins over a parameter. HEAD is
// answered by GET's handler, OPTIONS by the router. Filled before it is given to a server, fixed
// afterwards.
class Router {
 public:
  struct Route {
    Method method;
    std::string pattern;
    std::vector<std::string> names;  // of its parameters, in order
    Handler handler;
    const char* name;  // "GET /orders/{id}", of static storage
  };

  // What a method and path come to. Exactly one of the three: a route with its parameters; no route
  // but the methods the path has, for 405 or OPTIONS; neither, for 404.
  struct Match {
    const Route* route = nullptr;
    std::vector<wire::QueryParameter> parameters;
    std::string allow;  // "GET, HEAD, OPTIONS", when the path has another method
  };

  Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;
  ~Router();

  // `handler` as in handler.hpp. Throws Error invalid_input for a malformed pattern, conflict for a
  // method and path that are taken (names of parameters do not tell patterns apart).
  template <class F>
  Router& route(Method method, std::string pattern, F handler) {
    return add(method, std::move(pattern), make_handler(std::move(handler)));
  }
  // The same with a member function of `object`, which outlives the router.
  template <class Object, class Member>
  Router& route(Method method, std::string pattern, Object& object, Member member) {
    return add(method, std::move(pattern), make_handler(object, member));
  }
  Router& add(Method method, std::string pattern, Handler handler);

  // `guard` sees every request whose path is `prefix` or lies under it, before its handler; several
  // in the order they were added.
  Router& guard(std::string prefix, Guard guard);

  // `path` is normalised and begins with "/".
  Match find(Method method, std::string_view path) const;

  // Runs the guards; throws what they throw.
  void check(const Request& request) const;

  // Every route, in the order it was added.
  std::vector<const Route*> routes() const;

 private:
  struct Node;
  struct GuardEntry {
    std::string prefix;
    Guard guard;
  };

  std::unique_ptr<Node> root_;
  std::vector<std::unique_ptr<Route>> routes_;
  std::vector<GuardEntry> guards_;
};

}  // namespace sinew::http
