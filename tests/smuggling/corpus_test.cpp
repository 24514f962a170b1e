// Every case of the corpus, in one piece, byte by byte and cut in two at every place.

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "tests/smuggling/corpus.hpp"
#include "tests/smuggling/relay.hpp"

namespace sinew::smuggling {
namespace {

const char* const kFiles[] = {"framing.txt", "chunks.txt", "lines.txt",
                              "targets.txt", "fields.txt", "answers.txt"};

std::vector<Case> corpus() {
  std::vector<Case> cases;
  for (const char* file : kFiles)
    std::ranges::move(read_corpus(std::string(SMUGGLING_FOLDER "/") + file),
                      std::back_inserter(cases));
  return cases;
}

std::vector<Outcome> outcomes(const Case& example, const std::vector<std::string_view>& arrivals) {
  if (example.direction == "request") {
    RequestRelay relay;
    for (const std::string_view part : arrivals)
      relay.arrive(part);
    relay.wait();
    return relay.outcomes();
  }
  AnswerRelay relay(example.direction.substr(std::string_view("answer ").size()));
  for (const std::string_view part : arrivals)
    relay.arrive(part);
  relay.close();
  return relay.outcomes();
}

TEST(SmugglingCorpus, HasItsVerdictForEverySplit) {
  for (const Case& example : corpus()) {
    SCOPED_TRACE(example.name);
    const std::string_view bytes = example.bytes;

    EXPECT_EQ(to_text(outcomes(example, {bytes})), to_text(example.verdict));

    std::vector<std::string_view> singly;
    for (std::size_t i = 0; i < bytes.size(); ++i)
      singly.push_back(bytes.substr(i, 1));
    EXPECT_EQ(outcomes(example, singly), example.verdict) << "byte by byte";
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
      EXPECT_EQ(outcomes(example, {bytes.substr(0, cut), bytes.substr(cut)}), example.verdict)
          << "cut at " << cut;
    }
  }
}

// What went on is read by the next one as it was meant: each message that was forwarded is, sent
// through once more, forwarded as the same one.
TEST(SmugglingCorpus, WhatIsForwardedHasOneInterpretation) {
  for (const Case& example : corpus()) {
    if (example.direction != "request") continue;
    for (const Outcome& outcome : example.verdict) {
      const bool chunked = outcome.bytes.find("Transfer-Encoding: chunked") != std::string::npos;
      const bool upgrades = outcome.bytes.find("Upgrade: websocket") != std::string::npos;
      if (outcome.word != "forwarded" || chunked || upgrades) continue;
      SCOPED_TRACE(example.name);

      RequestRelay next;
      next.arrive(outcome.bytes);
      next.wait();

      EXPECT_EQ(to_text(next.outcomes()), to_text({{"forwarded", outcome.bytes}}));
    }
  }
}

TEST(SmugglingCorpus, NamesEveryCaseOnceAndItsSource) {
  std::set<std::string> names;
  const std::vector<Case> cases = corpus();
  for (const Case& example : cases) {
    EXPECT_TRUE(names.insert(example.direction.substr(0, 6) + example.name).second) << example.name;
    EXPECT_FALSE(example.source.empty()) << example.name;
  }
  EXPECT_GE(cases.size(), 300U);
}

TEST(SmugglingCorpus, RefusesNothingWithoutAStatusForIt) {
  const std::set<std::string> statuses = {"400", "413", "417", "501", "502", "505"};
  for (const Case& example : corpus()) {
    for (const Outcome& outcome : example.verdict) {
      if (outcome.word.starts_with("refused ")) {
        EXPECT_TRUE(statuses.contains(outcome.word.substr(8, 3))) << example.name;
      }
    }
  }
}

}  // namespace
}  // namespace sinew::smuggling
