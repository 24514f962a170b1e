#include "examples/commerce/sales/customers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "examples/commerce/books/row_seal.hpp"
#include "sinew/base/error.hpp"

namespace commerce::sales {

using sinew::Task;
using sinew::store::Transaction;

namespace {

void check_id(const std::string& id) {
  const auto letter_or_digit = [](unsigned char c) { return c < 0x80 && std::isalnum(c) != 0; };
  if (std::ranges::all_of(id, letter_or_digit)) return;
  throw sinew::Error(sinew::Condition::invalid_input,
                     fmt::format("CustomerID: expected letters and digits, got \"{}\"", id));
}

struct Customer {
  std::string id;
  std::string company;
  std::string contact;
  std::string city;
  std::string country;
  std::string phone;
};

Task<void> keep_customer(Transaction& tx, Customer customer) {
  const auto& [id, company, contact, city, country, phone] = customer;
  co_await tx.execute(
      "INSERT INTO customers (customer_id, company, contact, city, country, phone, seal) "
      "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (customer_id) DO UPDATE SET "
      "company = excluded.company, contact = excluded.contact, city = excluded.city, "
      "country = excluded.country, phone = excluded.phone, seal = excluded.seal",
      books::SealedRow{id, company, contact, city, country, phone});
}

}  // namespace

Task<void> take_customer(Transaction& tx, const books::InputLine& line) {
  const std::string id = line.text("CustomerID", 40);
  check_id(id);
  const std::string company = line.text("CompanyName");
  const std::string contact = line.optional_text("ContactName");
  const std::string city = line.optional_text("City");
  const std::string country = line.optional_text("Country");
  const std::string phone = line.optional_text("Phone");
  co_await keep_customer(tx, {id, company, contact, city, country, phone});
}

Task<bool> knows_customer(Transaction& tx, std::string customer_id) {
  const auto rows =
      co_await tx.execute("SELECT 1 FROM customers WHERE customer_id = ?", {customer_id});
  co_return !rows.empty();
}

Task<void> forget_contact(Transaction& tx, std::string customer_id) {
  const auto rows = co_await tx.execute(
      "SELECT company, city, country FROM customers WHERE customer_id = ?", {customer_id});
  if (rows.empty()) {
    throw sinew::Error(sinew::Condition::not_found,
                       fmt::format("there is no customer {}", customer_id));
  }
  co_await keep_customer(tx,
                         {customer_id, rows[0].text(0), "", rows[0].text(1), rows[0].text(2), ""});
}

Task<void> audit_customers(Transaction& tx, books::ContextAudit& audit) {
  co_await books::for_each_row(
      tx,
      "SELECT customer_id, company, contact, city, country, phone, seal FROM customers "
      "WHERE customer_id >= ? ORDER BY customer_id LIMIT ?",
      books::first_text, [&](const sinew::store::Row& row) {
        books::check_seal(row, "customers", audit.problems);
        audit.keys["customers"].insert(row.text(0));
      });
}

}  // namespace commerce::sales
