#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sinew/base/decimal.hpp"
#include "sinew/base/id.hpp"
#include "sinew/base/time.hpp"

namespace sinew::store {

// The text of a statement in the common SQL subset, `?` for a parameter. A literal is kept by its
// address, so an engine finds its prepared form without comparing texts.
class Statement {
 public:
  template <std::size_t N>
  consteval Statement(const char (&text)[N]) : text_(text, N - 1) {}  // NOLINT: implicit on purpose

  // A text made at run time (schema tools, tests). It is prepared each time, and must outlive the
  // await.
  static Statement dynamic(std::string_view text) { return Statement(text, false); }

  std::string_view text() const noexcept { return text_; }
  bool cached() const noexcept { return cached_; }

 private:
  Statement(std::string_view text, bool cached) : text_(text), cached_(cached) {}
  std::string_view text_;
  bool cached_ = true;
};

struct Blob {
  std::string bytes;
  friend auto operator<=>(const Blob&, const Blob&) = default;
};

// What a column holds; the first alternative is NULL.
using Value = std::variant<std::monostate, std::int64_t, std::string, Blob>;

// One parameter, by view: what it refers to lives until the await returns.
class Parameter {
 public:
  using Bytes = std::span<const std::byte>;
  using Variant = std::variant<std::monostate, std::int64_t, std::string_view, Bytes>;

  Parameter(std::nullptr_t) noexcept {}  // NOLINT(google-explicit-constructor): all of these
  template <std::integral T>
  Parameter(T value) noexcept : value_(static_cast<std::int64_t>(value)) {}        // NOLINT
  Parameter(const char* text) noexcept : value_(std::string_view(text)) {}         // NOLINT
  Parameter(std::string_view text) noexcept : value_(text) {}                      // NOLINT
  Parameter(const std::string& text) noexcept : value_(std::string_view(text)) {}  // NOLINT
  Parameter(Bytes bytes) noexcept : value_(bytes) {}                               // NOLINT
  Parameter(const Uuid& id) noexcept                                               // NOLINT
      : value_(Bytes(std::as_bytes(std::span(id.bytes())))) {}
  Parameter(Timestamp time) noexcept : value_(to_micros(time)) {}    // NOLINT
  Parameter(Decimal decimal) noexcept : value_(decimal.micros()) {}  // NOLINT
  template <class T>
  Parameter(const std::optional<T>& value) noexcept {  // NOLINT
    if (value) value_ = Parameter(*value).value_;
  }
  Parameter(const Value& value) noexcept;  // NOLINT

  // Text as bytes: for a BYTES column.
  static Parameter bytes(std::string_view text) noexcept {
    return Parameter(std::as_bytes(std::span(text)));
  }

  const Variant& value() const noexcept { return value_; }

 private:
  Variant value_;
};

// One row of a result, by view into it. A column of another type than asked for is Error corrupt.
class Row {
 public:
  explicit Row(std::span<const Value> columns) noexcept : columns_(columns) {}

  std::size_t size() const noexcept { return columns_.size(); }
  bool is_null(std::size_t column) const;
  std::int64_t integer(std::size_t column) const;
  bool boolean(std::size_t column) const { return integer(column) != 0; }
  const std::string& text(std::size_t column) const;
  const std::string& blob(std::size_t column) const;
  Uuid uuid(std::size_t column) const;
  Timestamp timestamp(std::size_t column) const;
  Decimal decimal(std::size_t column) const;  // stored as int64 in 10^-6
  std::optional<std::int64_t> maybe_integer(std::size_t column) const;
  std::optional<std::string> maybe_text(std::size_t column) const;
  const Value& value(std::size_t column) const;

 private:
  std::span<const Value> columns_;
};

// A statement's whole result. Bounded by `max_rows`: page by key beyond it.
class Rows {
 public:
  static constexpr std::size_t max_rows = 65'536;

  Rows() = default;
  Rows(std::size_t columns, std::vector<Value> values, std::int64_t changed)
      : columns_(columns), values_(std::move(values)), changed_(changed) {}

  std::size_t size() const noexcept { return columns_ == 0 ? 0 : values_.size() / columns_; }
  bool empty() const noexcept { return values_.empty(); }
  Row operator[](std::size_t row) const;  // Error not_found beyond the end
  // Rows inserted, updated or deleted by the statement.
  std::int64_t changed() const noexcept { return changed_; }

  class Iterator {
   public:
    Iterator(const Rows& rows, std::size_t index) : rows_(&rows), index_(index) {}
    Row operator*() const { return (*rows_)[index_]; }
    Iterator& operator++() {
      ++index_;
      return *this;
    }
    bool operator==(const Iterator& other) const { return index_ == other.index_; }

   private:
    const Rows* rows_;
    std::size_t index_;
  };
  Iterator begin() const { return {*this, 0}; }
  Iterator end() const { return {*this, size()}; }

  friend bool operator==(const Rows&, const Rows&) = default;

 private:
  std::size_t columns_ = 0;
  std::vector<Value> values_;
  std::int64_t changed_ = 0;
};

}  // namespace sinew::store
