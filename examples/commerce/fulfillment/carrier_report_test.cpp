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
