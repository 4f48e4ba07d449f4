#include "gateway/proxy/access_log.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace banyan::proxy {
namespace {

AccessRecord a_record() {
  AccessRecord record;
  record.time = WallTime(std::chrono::microseconds(1'795'226'601'000'042));
  record.client = "192.0.2.7";
  record.method = "POST";
  record.target = "/tryton/";
  record.host = "crm.test";
  record.function = "party.search";
  record.subject = 0xabcdef;
  record.status = 200;
  record.request_bytes = 12;
  record.response_bytes = 34;
  record.duration_us = 5'600;
  record.request_id = "id-1";
  return record;
}

nlohmann::json line_of(const AccessRecord& record) {
  std::string text;
  append_line(text, record);
  EXPECT_EQ(text.back(), '\n');
  EXPECT_EQ(text.find('\n'), text.size() - 1) << "one line";
  return nlohmann::json::parse(text);
}

TEST(AccessLog, IsOneJsonObjectPerLine) {
  const auto line = line_of(a_record());
  EXPECT_EQ(line["time"], "2026-11-21T02:03:21.000042Z");
  EXPECT_EQ(line["function"], "party.search");
  EXPECT_EQ(line["subject"], "0000000000abcdef");
  EXPECT_EQ(line["status"], 200);
  EXPECT_EQ(line["duration_us"], 5'600);
  EXPECT_FALSE(line.contains("error"));
}

TEST(AccessLog, NamesTheErrorIfThereWasOne) {
  auto record = a_record();
  record.error = "client_left";
  EXPECT_EQ(line_of(record)["error"], "client_left");
}

TEST(AccessLog, CannotBeForgedByWhatAClientSends) {
  auto record = a_record();
  record.target = "/\",\"status\":200}\n{\"x\\";
  EXPECT_EQ(line_of(record)["target"], "/\",\"status\":200}\n{\"x\\");
}

}  // namespace
}  // namespace banyan::proxy
