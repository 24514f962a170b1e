#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "sinew/messaging/handler.hpp"

namespace sinew::context {

// Hands a message to the function registered for its type.
class Dispatcher final : public messaging::Handler {
 public:
  using Function = std::function<Task<void>(messaging::Handling&)>;

  // What a type without a function means. On a topic: a fact that this context does not need. On a
  // queue of commands: a mistake; the message is parked.
  enum class Unknown : bool { ignore, refuse };

  explicit Dispatcher(Unknown unknown) : unknown_(unknown) {}

  // Throws Error conflict when the type has a function already.
  void add(std::string_view type, Function function);
  Task<void> handle(messaging::Handling& handling) override;

 private:
  struct Entry {
    Function function;
    const char* name;  // the type, of static storage
  };

  Unknown unknown_;
  std::map<std::string, Entry, std::less<>> functions_;
};

}  // namespace sinew::context
