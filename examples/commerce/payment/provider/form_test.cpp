#include "examples/commerce/payment/provider/form.hpp"

#include <gtest/gtest.h>

namespace commerce::payment {
namespace {

TEST(Form, EscapesAsBrowsersDo) {
  Form form;

  form.add("amount", "1099").add("metadata[order_id]", "a b&c=d").add("name", "Käse*-._~");

  EXPECT_EQ(form.text(), "amount=1099&metadata%5Border_id%5D=a+b%26c%3Dd&name=K%C3%A4se*-._%7E");
}

}  // namespace
}  // namespace commerce::payment
