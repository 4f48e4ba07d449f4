#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "adapters/legacy/capabilities.hpp"

namespace banyan::legacy {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

struct Row {
  std::string name;
  std::function<void(Capabilities&)> given;
  std::string then;  // words of the sentence that must be there
};

class Guarantees : public testing::TestWithParam<Row> {};

TEST_P(Guarantees, SayWhatAFlagMeans) {
  Capabilities capabilities;
  GetParam().given(capabilities);
  EXPECT_THAT(guarantees(capabilities), Contains(HasSubstr(GetParam().then)));
}

std::vector<Row> rows() {
  using namespace std::chrono_literals;
  return {
      {"poll", [](Capabilities& c) { c.feed = Feed::poll; }, "asking for what was written since"},
      {"log", [](Capabilities& c) { c.feed = Feed::log; }, "read from a log"},
      {"scan_only", [](Capabilities& c) { c.feed = Feed::scan_only; }, "reading every record again"},
      {"commit_order", [](Capabilities& c) { c.ordering = Ordering::commit; }, "No change can appear behind"},
      {"stamp_order", [](Capabilities& c) { c.ordering = Ordering::stamp; }, "A change can appear behind"},
      {"deletes_in_feed", [](Capabilities& c) { c.deletes = DeleteVisibility::in_feed; }, "like any other change"},
      {"deletes_history", [](Capabilities& c) { c.deletes = DeleteVisibility::history; }, "list of deletes"},
      {"deletes_sweep", [](Capabilities& c) { c.deletes = DeleteVisibility::sweep_only; }, "keeps no list of deletes"},
      {"cas", [](Capabilities& c) { c.compare_and_set = CompareAndSet::version; },
       "A write of ours never overwrites an edit that we have not seen (compare-and-set)."},
      {"no_cas", [](Capabilities& c) { c.compare_and_set = CompareAndSet::none; },
       "this system has no compare-and-set"},
      {"partial", [](Capabilities& c) { c.partial_update = true; }, "only the fields that it changes"},
      {"whole", [](Capabilities& c) { c.partial_update = false; }, "an edit made by staff to any field"},
      {"whole_cas",
       [](Capabilities& c) {
         c.partial_update = false;
         c.compare_and_set = CompareAndSet::version;
       },
       "only if nobody has written it"},
      {"chosen_id", [](Capabilities& c) { c.create_identity = CreateIdentity::chosen_id; }, "we choose its id"},
      {"external", [](Capabilities& c) { c.create_identity = CreateIdentity::external_key; }, "holds our key"},
      {"search", [](Capabilities& c) { c.create_identity = CreateIdentity::search; },
       "search what our user has created"},
      {"author", [](Capabilities& c) { c.sees_author = true; }, "Who wrote a record last is known"},
      {"no_author", [](Capabilities& c) { c.sees_author = false; }, "recognised by its content alone"},
      {"merges", [](Capabilities& c) { c.sees_merges = true; }, "the links follow"},
      {"no_merges", [](Capabilities& c) { c.sees_merges = false; }, "a delete of one and an edit of the other"},
      {"restore", [](Capabilities& c) { c.can_restore = true; }, "come back under the same id"},
      {"no_restore", [](Capabilities& c) { c.can_restore = false; }, "under a new id"},
      {"described", [](Capabilities& c) { c.describes_itself = true; }, "vanishes or changes its type is noticed, and"},
      {"undescribed", [](Capabilities& c) { c.describes_itself = false; }, "only by values that do not fit"},
      {"microsecond", [](Capabilities& c) { c.stamp_precision = 1us; }, "exact to the microsecond"},
      {"second", [](Capabilities& c) { c.stamp_precision = 1s; }, "exact to 1000 ms:"},
      {"ten_microseconds", [](Capabilities& c) { c.stamp_precision = 10us; }, "exact to 10 microseconds:"},
      {"no_budget", [](Capabilities& c) { c.calls_per_second.reset(); }, "no limit to the number of calls"},
      {"budget", [](Capabilities& c) { c.calls_per_second = 2.5; }, "At most 2.5 calls a second"},
  };
}

INSTANTIATE_TEST_SUITE_P(Flags, Guarantees, testing::ValuesIn(rows()), [](const auto& row) { return row.param.name; });

TEST(IdsPerFetch, AreAPageUnlessTheSystemSaysOtherwise) {
  Capabilities capabilities;
  capabilities.page_limit = 250;
  EXPECT_EQ(capabilities.ids_per_fetch(), 250U);
  capabilities.fetch_limit = 1;
  EXPECT_EQ(capabilities.ids_per_fetch(), 1U);
}

TEST(GuaranteesOf, ASystemWithoutAFeedSayNothingOfItsOrderOrStamps) {
  Capabilities capabilities;
  capabilities.feed = Feed::scan_only;
  EXPECT_THAT(guarantees(capabilities), Not(Contains(HasSubstr("behind the place"))));
  EXPECT_THAT(guarantees(capabilities), Not(Contains(HasSubstr("Stamps are exact"))));
}

}  // namespace
}  // namespace banyan::legacy
