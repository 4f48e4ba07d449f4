// The Tryton adapter against a real Tryton. tryton_adapter.py starts one and says in the environment where it is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "adapters/legacy/tryton/tryton_system.hpp"
#include "tests/integration/legacy_conformance.hpp"
#include "tests/integration/legacy_conformance_proxy.hpp"

namespace banyan::legacy::conformance {
namespace {

using tryton::Effect;
using tryton::Rpc;
using tryton::RpcOptions;
using tryton::TrytonOptions;
using tryton::TrytonSystem;
using tryton::TypeOptions;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) throw std::runtime_error(std::string(name) + " is not set: run tryton_adapter.py");
  return value;
}

RpcOptions rpc_options(const std::string& url, const std::string& user) {
  RpcOptions options;
  options.url = url;
  options.database = environment("TRYTON_DATABASE");
  options.user = user;
  options.password = Secret(environment("TRYTON_PASSWORD"));
  return options;
}

TrytonOptions system_options(const std::string& url, const std::string& user) {
  TrytonOptions options;
  options.rpc = rpc_options(url, user);
  options.page_limit = 10;
  options.types["party.party"] = TypeOptions{.fields = {"name", "code", "active", "lang", "addresses", "categories"},
                                             .replaced_by = "replaced_by"};
  options.types["party.address"] = TypeOptions{.fields = {"party", "street", "city", "country"}};
  options.types["party.contact_mechanism"] = TypeOptions{.fields = {"party", "type", "value"}};
  options.types["sale.opportunity"] = TypeOptions{
      .fields = {"party", "description", "amount", "start_date", "state", "conversion_probability", "lines"}};
  return options;
}

// A login and reads are no writes; anything else that changes records is.
std::optional<bool> is_write(const std::string& request) {
  for (const char* method : {".create\"", ".write\"", ".delete\""}) {
    if (request.find(method) != std::string::npos) return true;
  }
  for (const char* method : {".search_read\"", ".search\"", ".read\""}) {
    if (request.find(method) != std::string::npos) return false;
  }
  return std::nullopt;
}

std::uint16_t tryton_port() {
  return static_cast<std::uint16_t>(std::stoi(environment("TRYTON_PORT")));
}

std::string tryton_url() {
  return "http://127.0.0.1:" + std::to_string(tryton_port());
}

// Parties of the real Tryton: ours is the administrator, staff is a sales person.
class TrytonWorld : public World {
public:
  TrytonWorld()
      : proxy_(tryton_port(), is_write),
        ours_(system_options(proxy_.url(), "admin"), clock_),
        staff_(system_options(tryton_url(), "ines"), clock_),
        rpc_(rpc_options(tryton_url(), "ines"), clock_) {}

  LegacySystem& ours() override { return ours_; }
  LegacySystem& staff() override { return staff_; }
  std::string type() const override { return "party.party"; }
  Json new_record(const std::string& text) const override { return Json{{"name", text}, {"lang", 1}}; }
  std::string text_field() const override { return "name"; }
  std::string other_field() const override { return "lang"; }
  Json refused_record() const override {
    return Json{{"name", "Refused"}, {"code", "1"}};
  }  // there is one of that code
  std::string absent_id() const override { return "99999999"; }

  std::vector<std::string> create_together(std::size_t count) override {
    Json records = Json::array();
    for (std::size_t i = 0; i < count; ++i) records.push_back(Json{{"name", "Together " + std::to_string(i)}});
    const auto created = rpc_.call(type(), "create", Json::array({records}), Effect::writes, soon());
    if (!created) throw std::runtime_error(created.error().message);
    std::vector<std::string> ids;
    for (const auto& id : *created) ids.push_back(std::to_string(id.get<std::int64_t>()));
    return ids;
  }

  bool archives() const override { return true; }
  void archive(const std::string& id) override {
    const auto done = staff_.update(type(), id, Json{{"active", false}}, Json::object(), "", soon());
    if (!done) throw std::runtime_error(done.error().message);
  }

  void disturb_next_write(Fault fault) override { proxy_.disturb_next(true, fault); }
  void disturb_next_read(Fault fault) override { proxy_.disturb_next(false, fault); }
  void disturb_nothing() override { proxy_.disturb_nothing(); }

protected:
  SystemClock clock_;
  FaultProxy proxy_;
  TrytonSystem ours_;
  TrytonSystem staff_;
  Rpc rpc_;
};

// ---- what is Tryton's own

class TrytonAdapter : public testing::Test {
protected:
  static void SetUpTestSuite() { world_ = std::make_unique<TrytonWorld>(); }
  static void TearDownTestSuite() { world_.reset(); }
  LegacySystem& ours() { return world_->ours(); }
  LegacySystem& staff() { return world_->staff(); }

  template <typename T>
  static T get(Answer<T> answer) {
    if (!answer) throw std::runtime_error("unexpected failure: " + answer.error().message);
    return std::move(*answer);
  }
  std::string create(const std::string& type, const Json& fields) {
    return get(ours().create(type, fields, CreateMark{}, soon())).id;
  }
  LegacyRecord fetch(const std::string& type, const std::string& id) {
    const std::vector<std::string> ids{id};
    auto found = get(ours().fetch(type, ids, soon()));
    if (found.size() != 1) throw std::runtime_error(type + " " + id + " was expected to exist");
    return found.front();
  }
  std::vector<LegacyRecord> changes(const std::string& type, const Cursor& after) {
    return get(ours().changes(type, after, 10, soon())).records;
  }
  std::string opportunity_of(const std::string& party) {
    return create("sale.opportunity", Json{{"party", std::stoi(party)},
                                           {"description", "Forklifts"},
                                           {"amount", "12500.50"},
                                           {"start_date", "2026-11-01"},
                                           {"conversion_probability", 0.25}});
  }

  static inline std::unique_ptr<TrytonWorld> world_;
};

TEST_F(TrytonAdapter, ValuesComeBackAsTheyWereSent) {
  const std::string party = create("party.party", Json{{"name", "Kestrel Foods Ltd"}});
  const std::string id = opportunity_of(party);
  const Json fields = fetch("sale.opportunity", id).fields;
  EXPECT_EQ(fields["party"], std::stoi(party));
  EXPECT_EQ(fields["amount"], "12500.50");
  EXPECT_EQ(fields["start_date"], "2026-11-01");
  EXPECT_EQ(fields["conversion_probability"], 0.25);
  EXPECT_EQ(fields["state"], "lead");
  const Json change{{"amount", "0.10"}, {"start_date", "2027-02-28"}};
  get(ours().update("sale.opportunity", id, change, Json(), fetch("sale.opportunity", id).version, soon()));
  EXPECT_EQ(fetch("sale.opportunity", id).fields["amount"], "0.10");
  EXPECT_EQ(fetch("sale.opportunity", id).fields["start_date"], "2027-02-28");
}

TEST_F(TrytonAdapter, AnEditOfAnAddressIsAChangeOfTheAddressAlone) {
  const std::string party = create("party.party", Json{{"name", "Oakridge Print KG"}});
  const std::string address = create("party.address", Json{{"party", std::stoi(party)}, {"city", "Berlin"}});
  EXPECT_EQ(fetch("party.party", party).fields["addresses"], Json::array({std::stoi(address)}));
  const Cursor parties = get(ours().here("party.party", soon()));
  const Cursor addresses = get(ours().here("party.address", soon()));
  const std::string version = fetch("party.party", party).version;
  get(staff().update("party.address", address, Json{{"city", "Hamburg"}}, Json(), "", soon()));
  EXPECT_EQ(fetch("party.party", party).version, version);
  const auto found = changes("party.address", addresses);
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found.back().id, address);
  EXPECT_EQ(found.back().fields["city"], "Hamburg");
  for (const auto& record : changes("party.party", parties))
    EXPECT_EQ(record.version, fetch("party.party", record.id).version);
}

TEST_F(TrytonAdapter, TheDeleteOfAPartyIsAnEditOfItsOpportunities) {
  const std::string party = create("party.party", Json{{"name", "Marwick Optics AG"}});
  const std::string id = opportunity_of(party);
  const Cursor here = get(ours().here("sale.opportunity", soon()));
  ASSERT_TRUE(ours().remove("party.party", party, "", soon()));
  const auto found = changes("sale.opportunity", here);
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found.back().id, id);
  EXPECT_TRUE(found.back().fields["party"].is_null());
}

TEST_F(TrytonAdapter, AnOpportunityThatWasConvertedCannotBeDeleted) {
  const std::string id = opportunity_of(create("party.party", Json{{"name", "Ashdown Farms plc"}}));
  get(ours().update("sale.opportunity", id, Json{{"state", "converted"}}, Json(), "", soon()));
  const auto refused = ours().remove("sale.opportunity", id, "", soon());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Kind::rejected);
  EXPECT_EQ(fetch("sale.opportunity", id).fields["state"], "converted");
}

TEST_F(TrytonAdapter, APartyThatWasMergedNamesTheOneThatStays) {
  const std::string gone = create("party.party", Json{{"name", "Twice"}});
  const std::string stays = create("party.party", Json{{"name", "Once"}});
  EXPECT_EQ(fetch("party.party", gone).merged_into, "");
  get(staff().update("party.party", gone, Json{{"replaced_by", stays}, {"active", false}}, Json(), "", soon()));
  EXPECT_EQ(fetch("party.party", gone).merged_into, stays);
  EXPECT_TRUE(ours().capabilities("party.party").sees_merges);
}

TEST_F(TrytonAdapter, ListsOfIdsAreSetAsAWhole) {
  const auto category = [&](const std::string& name) {
    return std::stoi(create("party.category", Json{{"name", name + std::to_string(std::time(nullptr))}}));
  };
  const int a = category("a");
  const int b = category("b");
  const int c = category("c");
  const std::string id = create("party.party", Json{{"name", "Listed"}, {"categories", Json::array({a, b})}});
  get(ours().update("party.party", id, Json{{"categories", Json::array({b, c})}}, Json(), "", soon()));
  EXPECT_THAT(fetch("party.party", id).fields["categories"].get<std::vector<int>>(),
              testing::UnorderedElementsAre(b, c));
}

TEST_F(TrytonAdapter, DescribesTypesAndChoices) {
  std::map<std::string, FieldDescription> fields;
  for (auto& field : get(ours().describe("sale.opportunity", soon()))) fields[field.name] = field;
  EXPECT_EQ(fields["amount"].type, "numeric");
  EXPECT_EQ(fields["party"].type, "many2one");
  EXPECT_TRUE(fields["state"].required);
  EXPECT_TRUE(fields["state"].read_only);
  EXPECT_THAT(fields["state"].choices, testing::IsSupersetOf({"lead", "converted", "lost"}));
}

TEST_F(TrytonAdapter, WrongCredentialsAndWrongDatabasesAreToldApart) {
  const SystemClock clock;
  TrytonOptions options = system_options(tryton_url(), "ines");
  options.rpc.password = Secret("not-the-password");
  TrytonSystem stranger(options, clock);
  EXPECT_EQ(stranger.scan("party.party", "", 1, soon()).error().kind, Kind::unauthorised);
  options = system_options(tryton_url(), "ines");
  options.rpc.database = "no_such_database";
  TrytonSystem lost(options, clock);
  EXPECT_EQ(lost.scan("party.party", "", 1, soon()).error().kind, Kind::unavailable);
}

// Not a bar that depends on the computer: figures for the log of the run.
TEST_F(TrytonAdapter, ReportsHowLongAnObservedWriteTakesToFetch) {
  const std::string id = create("party.party", Json{{"name", "Timed"}});
  const Cursor here = get(ours().here("party.party", soon()));
  const auto p95_of = [](auto&& call) {
    std::vector<double> times;
    for (int i = 0; i < 40; ++i) {
      const auto began = std::chrono::steady_clock::now();
      call();
      times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count());
    }
    std::sort(times.begin(), times.end());
    return times[37];
  };
  std::cout << "p95 of fetch of one party: " << p95_of([&] { fetch("party.party", id); }) << " ms\n"
            << "p95 of a poll that finds little: " << p95_of([&] { changes("party.party", here); }) << " ms\n";
  EXPECT_EQ(fetch("party.party", id).fields["name"], "Timed");
}

INSTANTIATE_TYPED_TEST_SUITE_P(Tryton, LegacyConformance, TrytonWorld);
INSTANTIATE_TYPED_TEST_SUITE_P(Tryton, ConformanceWithFeed, TrytonWorld);
INSTANTIATE_TYPED_TEST_SUITE_P(Tryton, ConformanceWithArchive, TrytonWorld);
INSTANTIATE_TYPED_TEST_SUITE_P(Tryton, ConformanceWithAuthor, TrytonWorld);
INSTANTIATE_TYPED_TEST_SUITE_P(Tryton, ConformanceWithCompareAndSet, TrytonWorld);
INSTANTIATE_TYPED_TEST_SUITE_P(Tryton, ConformanceOfSearchByAuthor, TrytonWorld);

}  // namespace
}  // namespace banyan::legacy::conformance
