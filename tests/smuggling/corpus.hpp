#pragma once

#include <string>
#include <string_view>
#include <vector>

// Reads the corpus of this folder; README.md there says what a case is and how it is written.
namespace sinew::smuggling {

// One line of a verdict: "forwarded", "refused 400: why", ... and the bytes that belong to it.
struct Outcome {
  std::string word;
  std::string bytes;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

struct Case {
  std::string name;
  std::string source;
  // "request", or "answer" and the method it answers with the protocol asked for, if any.
  std::string direction;
  std::string bytes;
  std::vector<Outcome> verdict;
};

// As the corpus writes it, for messages of tests.
std::string to_text(const std::vector<Outcome>& verdict);

// All cases of a file. Throws std::runtime_error with file and line for what is malformed.
std::vector<Case> read_corpus(const std::string& file);

}  // namespace sinew::smuggling
