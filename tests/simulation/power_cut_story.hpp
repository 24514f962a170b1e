#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "examples/commerce/books/statement.hpp"
#include "examples/commerce/replay/input.hpp"
#include "examples/commerce/replay/order_feed.hpp"
#include "examples/commerce/replay/patient_client.hpp"
#include "examples/commerce/test_system.hpp"
#include "sinew/async/scope.hpp"

namespace commerce::simulation {

struct StoryOptions {
  sinew::sim::Databases databases = sinew::sim::Databases::plain;
  sinew::async::sim::DiskOptions disk;  // how it fails, beside losing its power
};

// What a story, or many of them, went through: a test that wants it asserts that there was some.
struct Ordeal {
  int power_cuts = 0;
  int cuts_in_a_start = 0;
  int failed_starts = 0;      // the disk did not let it
  std::int64_t replayed = 0;  // messages that an operator had tried again
  std::size_t orders = 0;
  std::size_t rejected = 0;
  std::size_t shipped = 0;
  std::uint64_t trace = 0;  // a hash over every step, of the last story

  Ordeal& operator+=(const Ordeal& other);
};

// The whole commerce host, all five contexts on their simulated disk, works off a small input while
// its machine loses power again and again. Outside, and spared: the replay, which asks again for
// what got no answer; a second customer who posts some of the orders once more; the payment
// provider, which forgets nothing and loses answers. In the end all must have settled and the books
// must balance: each order that was acknowledged is there once, and was charged at most once.
class PowerCutStory {
 public:
  PowerCutStory(std::uint64_t seed, const StoryOptions& options);
  ~PowerCutStory();

  // Failures are those of the running test. Throws what ends the story before its end.
  Ordeal run();

 private:
  sinew::async::sim::Random& random() { return system_.random(); }
  void start();
  void open_doors();
  sinew::Task<void> bring_in_the_input();
  sinew::Task<void> post_again();
  void live_until_a_cut();
  void settle();
  std::int64_t replay_crashed();
  std::int64_t replay_crashed(sinew::context::ContextRunner& context);

  void check();
  void check_books();
  void check_orders(const books::ContextAudit& sales);
  void check_duplicates();
  std::vector<books::ContextAudit> audits();

  test::TestSystem system_;
  replay::Input input_;
  std::vector<replay::Order> again_;  // posted twice
  replay::PatientClient client_;
  sinew::async::Scope outside_;
  int at_work_ = 0;    // of those outside
  bool calm_ = false;  // no more cuts
  std::string failure_;
  Ordeal ordeal_;
};

}  // namespace commerce::simulation
