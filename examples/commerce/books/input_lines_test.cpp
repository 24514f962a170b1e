#include "examples/commerce/books/input_lines.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "sinew/base/error.hpp"

namespace commerce::books {
namespace {

using sinew::exchange::CsvReader;

// The sentence of a refusal, or nothing.
template <class Read>
std::string refusal(Read read) {
  const std::string text = "Id,Name,Empty\n12,Chai,\n";
  CsvReader reader(text, "products.csv");
  const InputLine line(reader, "products.csv", *reader.next());
  try {
    read(line);
    return "";
  } catch (const sinew::Error& error) {
    EXPECT_EQ(error.condition(), sinew::Condition::invalid_input);
    return error.detail();
  }
}

TEST(InputLine, KnowsItsPlaceAndFields) {
  EXPECT_EQ(refusal([](const InputLine& line) {
              EXPECT_EQ(line.place(), "products.csv:2");
              EXPECT_EQ(line.integer("Id", 1, 12), 12);
              EXPECT_EQ(line.text("Name", 4), "Chai");
              EXPECT_EQ(line.optional_text("Empty"), "");
            }),
            "");
}

TEST(InputLine, SaysWhatIsWrong) {
  EXPECT_EQ(refusal([](const InputLine& line) { line.integer("Id", 1, 11); }),
            "Id: expected an integer from 1 to 11, got \"12\"");
  EXPECT_EQ(refusal([](const InputLine& line) { line.integer("Name", 0, 9); }),
            "Name: expected an integer from 0 to 9, got \"Chai\"");
  EXPECT_EQ(refusal([](const InputLine& line) { line.integer("Empty", 0, 9); }),
            "Empty: expected an integer from 0 to 9, got \"\"");
  EXPECT_EQ(refusal([](const InputLine& line) { line.text("Empty"); }),
            "Empty: expected a text, got nothing");
  EXPECT_EQ(refusal([](const InputLine& line) { line.text("Name", 3); }),
            "Name: expected at most 3 bytes, got 4");
}

}  // namespace
}  // namespace commerce::books
