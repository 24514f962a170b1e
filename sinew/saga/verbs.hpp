#pragma once

#include <string>
#include <vector>

#include "sinew/saga/machine.hpp"

// What an operator can do with a saga that stands where it stands.
namespace sinew::saga {

// Why the verb does not fit the instance, as a sentence; empty: it fits, as far as its row tells.
// Needs no definition, so it holds on a stopped folder too.
//   every verb      refused when the saga is finished
//   compensate      refused when it goes back already, past the pivot, and at the pivot unless it
//                   is suspended
std::string refusal(const Instance& instance, Verb verb);

// What to do next with a stuck saga: the verbs that fit, each with what it does here. Empty for one
// that moves by itself or is finished.
struct Advice {
  Verb verb = Verb::retry;
  std::string text;
};
std::vector<Advice> advice(const Instance& instance);

}  // namespace sinew::saga
