#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "sinew/async/scope.hpp"
#include "sinew/async/task.hpp"
#include "sinew/async/wait.hpp"
#include "sinew/base/instant.hpp"
#include "sinew/net/resolver.hpp"

namespace sinew::proxy {

struct NameRefreshSettings {
  // A name is looked up again when its time to live is over, within these bounds; plus up to a
  // tenth, drawn, so that names that came together do not stay together.
  Duration shortest = std::chrono::seconds(1);
  Duration longest = std::chrono::minutes(5);
  Duration timeout = std::chrono::seconds(10);  // of one look-up, whatever the resolver's own
  // After a look-up that failed: from `first_retry` on twice as long each time; half of it drawn.
  Duration first_retry = std::chrono::seconds(1);
  Duration longest_retry = std::chrono::seconds(30);
  std::size_t at_once = 16;  // look-ups
};

// Keeps the addresses of names fresh, off the request path. An answer stays until a better one
// comes: a look-up that fails, or finds that there is no such name or no address, changes nothing
// but the time of the next, and a log line tells of the first failure and of its end.
//
// One worker; it outlives the tasks of resolve_new() and run().
class NameRefresher {
 public:
  // Told of a name's first answer, and of each whose addresses are not those of the one before (in
  // any order). What it throws counts as a look-up that failed. It does not call the refresher.
  using Answered =
      std::function<void(const std::string& name, const std::vector<std::string>& addresses)>;

  // `resolver` outlives it.
  NameRefresher(net::Resolver& resolver, Answered answered, NameRefreshSettings settings = {});
  NameRefresher(const NameRefresher&) = delete;
  NameRefresher& operator=(const NameRefresher&) = delete;

  // The names from now on, in any order, each once or more often. One that was watched goes on
  // where it is; one that is new waits for resolve_new() or run().
  void watch(const std::vector<std::string>& names);

  // Looks up the names that never were, and returns when each has an answer or failed, or
  // `patience` is over. Errors: timeout and cancelled of its task.
  Task<void> resolve_new(Duration patience);

  // Looks up whatever is due until it is cancelled; throws Error cancelled then.
  Task<void> run();

  // The last answer; null: none yet, or not watched. Good until the next answer or watch().
  const std::vector<std::string>* addresses_of(const std::string& name) const;

  // How a name is.
  struct State {
    std::vector<std::string> addresses;  // of the last answer
    Instant answered;                    // when it came; meaningless without addresses
    int failures = 0;                    // since then
    std::string error;                   // of the last of them
  };
  std::map<std::string, State> states() const;

 private:
  struct Name {
    State state;
    Instant due = Instant::min();
    bool tried = false;
    bool running = false;
  };
  using Names = std::map<std::string, Name>;
  enum class Which : bool { untried, due };

  Task<async::WaitOutcome> drive(async::Scope& scope, Which which);
  Task<async::WaitOutcome> drive_and_join(Which which);
  Task<async::WaitOutcome> woken();
  bool start_some(async::Scope& scope, Which which, Instant now);
  Instant next_due() const;
  Task<void> refresh(std::string name);
  Task<net::Answer> look_up(std::string name);
  void succeeded(const std::string& name, Name& entry, const net::Answer& answer,
                 async::Runtime& runtime);
  void failed(const std::string& name, Name& entry, const std::string& error,
              async::Runtime& runtime) const;

  net::Resolver& resolver_;
  Answered answered_;
  NameRefreshSettings settings_;
  Names names_;
  std::size_t running_ = 0;
  async::WaitQueue woken_;
};

}  // namespace sinew::proxy
