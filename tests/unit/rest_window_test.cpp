// The window of a change feed, and the pacing of calls.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "adapters/legacy/rest/pacer.hpp"
#include "adapters/legacy/rest/window.hpp"

namespace banyan::legacy::rest {
namespace {

using testing::ElementsAre;
using namespace std::chrono_literals;

Row row(const std::string& stamp, const std::string& id) {
  Row made;
  made.record.id = id;
  made.record.cursor = {stamp, id};
  return made;
}

std::vector<std::string> ids_of(const Page& page) {
  std::vector<std::string> ids;
  for (const auto& record : page.records) ids.push_back(record.id);
  return ids;
}

TEST(Window, KeepsTheFirstRowsBehindTheCursorWhateverTheirOrder) {
  const IdForm numbers;
  Window window(numbers, {"t2", "9"}, 2);
  for (const auto& [stamp, id] :
       {std::pair{"t4", "1"}, {"t2", "10"}, {"t2", "9"}, {"t1", "50"}, {"t3", "7"}, {"t2", "10"}}) {
    window.add(row(stamp, id));
  }
  EXPECT_TRUE(window.is_closed_to({"t4", "1"}));
  EXPECT_FALSE(window.is_closed_to({"t3", "8"}));
  const Page page = window.take();
  EXPECT_THAT(ids_of(page), ElementsAre("10", "7"));
  EXPECT_EQ(page.next, (Cursor{"t3", "7"}));
  EXPECT_TRUE(page.more);
}

TEST(Window, WithoutRowsStaysWhereItIs) {
  const IdForm numbers;
  Window window(numbers, {"t2", "9"}, 2);
  window.add(row("t2", "8"));
  const Page page = window.take();
  EXPECT_EQ(page.next, (Cursor{"t2", "9"}));
  EXPECT_FALSE(page.more);
}

TEST(Window, KeepsUnreadableRowsApartAndOnce) {
  const IdForm numbers;
  Window window(numbers, {}, 2);
  for (int i = 0; i < 2; ++i) {
    Row broken = row("t1", "5");
    broken.problem = "no name";
    window.add(broken);
  }
  const Page page = window.take();
  ASSERT_EQ(page.unreadable.size(), 1U);
  EXPECT_EQ(page.problem, "record 5: no name");
}

TEST(Pacer, SpacesCallsAndRefusesThoseThatWouldComeTooLate) {
  Pacer pacer(10.0);
  const SteadyTime now{1h};
  EXPECT_EQ(pacer.take(now, std::nullopt).wait, 0ms);
  EXPECT_EQ(pacer.take(now, std::nullopt).wait, 100ms);
  const auto late = pacer.take(now, now + 150ms);
  EXPECT_FALSE(late.granted);
  EXPECT_EQ(late.wait, 200ms);
  EXPECT_EQ(pacer.take(now + 1s, std::nullopt).wait, 0ms) << "unused time is not saved up";
}

TEST(Pacer, LetsNoCallThroughWhileTheSystemRests) {
  Pacer pacer(std::nullopt);
  const SteadyTime now{1h};
  pacer.rest_until(now + 5s);
  EXPECT_FALSE(pacer.take(now + 4s, std::nullopt).granted);
  EXPECT_EQ(pacer.take(now + 4s, std::nullopt).wait, 1s);
  EXPECT_TRUE(pacer.take(now + 5s, std::nullopt).granted);
}

}  // namespace
}  // namespace banyan::legacy::rest
