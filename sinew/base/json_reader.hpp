#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "sinew/base/error.hpp"
#include "sinew/base/json.hpp"

namespace sinew {

// What is done with members that the struct does not have: a tolerant reader of someone else's
// language ignores them; strict reports them, for commands, forms and files written by hand.
enum class ReadMode { tolerant, strict };

// One thing wrong with a document: `lines[2].quantity` and `expected an integer from 1, got "x"`.
struct JsonError {
  std::string path;  // empty: the document itself
  std::string message;

  friend bool operator==(const JsonError&, const JsonError&) = default;
};

std::string to_string(const JsonError& error);

// Everything that is wrong with a document, as Error invalid_input; the detail joins it by `; `.
class DocumentError : public Error {
 public:
  explicit DocumentError(std::vector<JsonError> errors);

  const std::vector<JsonError>& errors() const noexcept { return errors_; }

 private:
  std::vector<JsonError> errors_;
};

// The state of reading one document: the path where the reader is, and what it found wrong so far.
class JsonReader {
 public:
  // Further errors are counted only.
  static constexpr std::size_t max_errors = 100;

  explicit JsonReader(ReadMode mode) noexcept : mode_(mode) {}

  ReadMode mode() const noexcept { return mode_; }

  // Records an error at the present path.
  void fail(std::string message);
  void expected(std::string_view what, const Json& got);
  void missing(std::string_view what);

  // Throws DocumentError when there was any error.
  void finish();

  // While it lives the path is one step deeper: `.name`, or `[index]`.
  class Step {
   public:
    Step(JsonReader& reader, std::string_view name);
    Step(JsonReader& reader, std::size_t index);
    ~Step() { reader_.path_.resize(previous_length_); }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;

   private:
    JsonReader& reader_;
    std::size_t previous_length_;
  };

 private:
  ReadMode mode_;
  std::string path_;
  std::vector<JsonError> errors_;
  std::size_t dropped_ = 0;
};

}  // namespace sinew
