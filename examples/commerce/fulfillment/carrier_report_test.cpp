#include "examples/commerce/fulfillment/carrier_report.hpp"

#include <gtest/gtest.h>

#include <string>

#include "sinew/base/json_reader.hpp"
#include "sinew/event/cloudevents.hpp"

namespace commerce::fulfillment {
namespace {

// As a carrier writes it that knows CloudEvents and nothing of us.
constexpr auto data =
    R"("data":{"report_id":"FS-4711","order_id":"10248","shipped_date":"1996-07-16","van":"7"})";
const std::string foreign =
    R"({"specversion":"1.0","id":"FS-4711","source":"https://federal.example/reports",)"
    R"("type":"fulfillment.carrier_report",)" +
    std::string(data) + "}";

std::string with(const std::string& text, const std::string& old, const std::string& now) {
  std::string changed = text;
  return changed.replace(changed.find(old), old.size(), now);
}

TEST(CarrierReport, IsReadFromAForeignCloudEvent) {
  const SentReport report = read_report(foreign);

  EXPECT_EQ(report.content.report_id, "FS-4711");
  EXPECT_EQ(report.content.order_id, "10248");
  EXPECT_EQ(sinew::to_iso_date(report.content.shipped_date), "1996-07-16");
}

TEST(CarrierReport, IsTheCauseOfWhatFollows) {
  const auto event = sinew::event::from_cloudevent(foreign);

  const SentReport report = read_report(foreign);

  EXPECT_EQ(report.lineage.causation_id, event.id);
  EXPECT_EQ(report.lineage.hops, 1);
}

TEST(CarrierReport, IsReadAsItWasSignedInBinaryMode) {
  const sinew::http::Headers headers = {{"Host", "fulfillment"},
                                        {"Ce-Type", "fulfillment.carrier_report"},
                                        {"ce-specversion", "1.0"},
                                        {"Content-Type", "application/json"},
                                        {"CE-Source", "https://federal.example/reports"},
                                        {"ce-id", "FS-4711"}};
  const std::string body =
      R"({"report_id":"FS-4711","order_id":"10248","shipped_date":"1996-07-16"})";

  const std::string text = signed_text(headers, body);

  EXPECT_EQ(text,
            "ce-id: FS-4711\nce-source: https://federal.example/reports\n"
            "ce-specversion: 1.0\nce-type: fulfillment.carrier_report\n"
            "content-type: application/json\n\n" +
                body);
  EXPECT_EQ(read_report(text).content, read_report(foreign).content);
  EXPECT_EQ(read_report(text).lineage.causation_id, read_report(foreign).lineage.causation_id);
  EXPECT_THROW(read_report(text.substr(0, text.find("\n\n"))), sinew::DocumentError);
  EXPECT_THROW(read_report("ce-id"), sinew::DocumentError);
}

TEST(CarrierReport, IsTheSignedTextInStructuredMode) {
  EXPECT_EQ(signed_text({{"Content-Type", "application/cloudevents+json"}}, foreign), foreign);
}

struct WrongReport {
  const char* name;
  const char* old;
  const char* now;
  const char* path;
};

class WrongReports : public testing::TestWithParam<WrongReport> {};

TEST_P(WrongReports, AreToldWithTheirPath) {
  try {
    read_report(with(foreign, GetParam().old, GetParam().now));
    FAIL() << "was taken";
  } catch (const sinew::DocumentError& error) {
    ASSERT_EQ(error.errors().size(), 1u) << error.detail();
    EXPECT_EQ(error.errors()[0].path, GetParam().path) << error.detail();
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, WrongReports,
    testing::Values(WrongReport{"SpecVersion", "\"1.0\"", "\"0.3\"", "specversion"},
                    WrongReport{"NoId", "\"id\"", "\"ident\"", "id"},
                    WrongReport{"OtherType", "carrier_report", "carrier_bill", "type"},
                    WrongReport{"LaterVersion", "\"data\"",
                                R"("dataschema":"urn:sinew:fulfillment.carrier_report:2","data")",
                                "dataschema"},
                    WrongReport{"NoText", "\"data\"", R"("datacontenttype":"text/plain","data")",
                                "data"},
                    WrongReport{"NoJson", data, R"("datacontenttype":"text/plain","data":"left")",
                                "datacontenttype"},
                    WrongReport{"NoObject", data, R"("data":["left"])", "data"},
                    WrongReport{"NoData", data, R"("subject":"10248")", "data"},
                    WrongReport{"NoOrder", "\"order_id\"", "\"order\"", "data.order_id"},
                    WrongReport{"NoDate", "1996-07-16", "yesterday", "data.shipped_date"}),
    [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace commerce::fulfillment
