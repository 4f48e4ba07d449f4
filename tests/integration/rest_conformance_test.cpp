// The conformance suite of the port, on a real json-server and on the habits server without bad habits.
#include <fstream>
#include <functional>

#include "tests/integration/legacy_conformance.hpp"
#include "tests/integration/legacy_conformance_proxy.hpp"
#include "tests/integration/rest_support.hpp"

namespace banyan::legacy::conformance {
namespace {

using rest::RestSystem;
using rest::testing_support::ask;
using rest::testing_support::environment;
using rest::testing_support::system_of;

std::uint16_t port_of(const std::string& url) {
  return static_cast<std::uint16_t>(std::stoul(url.substr(url.rfind(':') + 1)));
}

std::optional<bool> is_write(const std::string& request) {
  return !request.starts_with("GET ");
}

// What both systems have in common: contacts with a name and a telephone number.
class RestWorld : public World {
public:
  RestWorld(const std::string& url, const std::function<std::string(const std::string&, const std::string&)>& describe)
      : url_(url),
        proxy_(port_of(url), is_write),
        ours_(system_of(describe(proxy_.url(), "banyan"))),
        staff_(system_of(describe(url, "staff"))) {}

  LegacySystem& ours() override { return *ours_; }
  LegacySystem& staff() override { return *staff_; }
  std::string type() const override { return "contacts"; }
  Json new_record(const std::string& text) const override { return {{"name", text}, {"phone", "+41 44 123 45 67"}}; }
  std::string text_field() const override { return "name"; }
  std::string other_field() const override { return "phone"; }
  std::string absent_id() const override { return "999999999"; }
  bool archives() const override { return false; }
  void archive(const std::string& /*id*/) override { throw std::logic_error("nothing is archived"); }
  void disturb_next_write(Fault fault) override { proxy_.disturb_next(true, fault); }
  void disturb_next_read(Fault fault) override { proxy_.disturb_next(false, fault); }
  void disturb_nothing() override { proxy_.disturb_nothing(); }

protected:
  std::string url_;

private:
  FaultProxy proxy_;
  std::unique_ptr<RestSystem> ours_;
  std::unique_ptr<RestSystem> staff_;
};

class HabitsWorld : public RestWorld {
public:
  HabitsWorld() : HabitsWorld(describe) {}
  Json refused_record() const override { return {{"name", ""}, {"phone", "1"}}; }
  std::vector<std::string> create_together(std::size_t count) override {
    const Json rows(count, Json{{"name", "Together"}, {"phone", "1"}});
    std::vector<std::string> ids;
    for (const Json& id : Json::parse(ask(url_, "POST", "/_rows", rows.dump()).body)) ids.push_back(id.dump());
    return ids;
  }

protected:
  explicit HabitsWorld(const std::function<std::string(const std::string&, const std::string&)>& describe)
      : RestWorld(environment("BANYAN_HABITS_URL"), describe) {
    ask(url_, "PUT", "/_habits", R"({"etag": true})");
  }

private:
  static std::string describe(const std::string& url, const std::string& user) {
    return rest::testing_support::contacts_description(
        url, {{"version", "{header: ETag}"}, {"top.headers", "{X-User: " + user + "}"}});
  }
};

// The same server, described as one that can do nothing but list, get and write.
class PoorWorld final : public HabitsWorld {
public:
  PoorWorld() : HabitsWorld(describe_poorly) {}

private:
  static std::string describe_poorly(const std::string& url, const std::string& user) {
    return rest::testing_support::contacts_description(
        url, {{"changes", ""}, {"author", ""}, {"top.headers", "{X-User: " + user + "}"}});
  }
};

// The description of the examples, with small pages.
class JsonServerWorld final : public RestWorld {
public:
  JsonServerWorld() : RestWorld(environment("BANYAN_JSON_SERVER_URL"), describe) {}
  Json refused_record() const override { return {{"name", 7}}; }  // json-server takes all; the description does not
  std::vector<std::string> create_together(std::size_t count) override {
    const auto now = std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
    rest::TimeForm form;
    form.precision = std::chrono::milliseconds(1);
    const std::string stamp = rest::format_time(form, now);
    std::vector<std::string> ids;
    for (std::size_t i = 0; i < count; ++i) {
      const auto made = ask(url_, "POST", "/contacts", R"({"name": "Together", "phone": "1"})", {{"X-Stamp", stamp}});
      ids.push_back(Json::parse(made.body)["id"].dump());
    }
    return ids;
  }

private:
  static std::string describe(const std::string& url, const std::string& /*user*/) {
    std::ifstream in(std::string(BANYAN_SOURCE_DIR) + "/examples/adapters/json-server.yaml");
    std::string text{std::istreambuf_iterator<char>(in), {}};
    replace(text, "http://127.0.0.1:3000", url);
    replace(text, "size: 100", "size: 10");
    return text;
  }
  static void replace(std::string& text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    if (at == std::string::npos) throw std::runtime_error("the example does not hold " + from);
    text.replace(at, from.size(), to);
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(Habits, LegacyConformance, HabitsWorld);
INSTANTIATE_TYPED_TEST_SUITE_P(Habits, ConformanceWithFeed, HabitsWorld);
INSTANTIATE_TYPED_TEST_SUITE_P(Habits, ConformanceWithAuthor, HabitsWorld);
INSTANTIATE_TYPED_TEST_SUITE_P(Habits, ConformanceWithCompareAndSet, HabitsWorld);
INSTANTIATE_TYPED_TEST_SUITE_P(Habits, ConformanceOfSearchByAuthor, HabitsWorld);

INSTANTIATE_TYPED_TEST_SUITE_P(Poor, LegacyConformance, PoorWorld);
INSTANTIATE_TYPED_TEST_SUITE_P(Poor, ConformanceWithoutFeed, PoorWorld);
INSTANTIATE_TYPED_TEST_SUITE_P(Poor, ConformanceWithoutAuthor, PoorWorld);
INSTANTIATE_TYPED_TEST_SUITE_P(Poor, ConformanceWithoutCompareAndSet, PoorWorld);
INSTANTIATE_TYPED_TEST_SUITE_P(Poor, ConformanceOfSearchWithoutAuthor, PoorWorld);

INSTANTIATE_TYPED_TEST_SUITE_P(JsonServer, LegacyConformance, JsonServerWorld);
INSTANTIATE_TYPED_TEST_SUITE_P(JsonServer, ConformanceWithFeed, JsonServerWorld);
INSTANTIATE_TYPED_TEST_SUITE_P(JsonServer, ConformanceWithoutAuthor, JsonServerWorld);
INSTANTIATE_TYPED_TEST_SUITE_P(JsonServer, ConformanceWithoutCompareAndSet, JsonServerWorld);
INSTANTIATE_TYPED_TEST_SUITE_P(JsonServer, ConformanceOfKeys, JsonServerWorld);

// A second shape of description on the same server: ids of our choosing, Link headers, whole-object updates.
TEST(JsonServerDeals, WithChosenIdsARepeatedCreateIsADuplicateAndIsFound) {
  std::ifstream in(std::string(BANYAN_SOURCE_DIR) + "/examples/adapters/json-server.yaml");
  std::string text{std::istreambuf_iterator<char>(in), {}};
  text.replace(text.find("http://127.0.0.1:3000"), 21, environment("BANYAN_JSON_SERVER_URL"));
  for (std::size_t at = text.find("size: 100"); at != std::string::npos; at = text.find("size: 100"))
    text.replace(at, 9, "size: 3");
  const auto system = system_of(text);
  EXPECT_EQ(system->capabilities("deals").create_identity, CreateIdentity::chosen_id);
  std::vector<std::string> ids;
  for (int i = 0; i < 8; ++i) {
    const CreateMark mark{"0192f0c1-0000-7000-8000-00000000000" + std::to_string(i), WallTime{}};
    ids.push_back(mark.record_id);
    const auto made = system->create("deals", {{"title", "Deal"}, {"value", i}}, mark, soon());
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(made->id, mark.record_id);
    EXPECT_EQ(system->create("deals", {{"title", "Deal"}}, mark, soon()).error().kind, Kind::duplicate);
    EXPECT_EQ(system->find("deals", mark, soon())->size(), 1U);
  }
  std::vector<std::string> seen;
  std::string position;
  for (bool more = true; more;) {
    const auto page = system->scan("deals", position, 3, soon());
    ASSERT_TRUE(page) << page.error().message;
    for (const auto& record : page->records) seen.push_back(record.id);
    position = page->next.id;
    more = page->more;
  }
  EXPECT_EQ(seen, ids);
  const auto updated = system->update("deals", ids[3], {{"title", "Won"}}, {}, "", soon());
  ASSERT_TRUE(updated) << updated.error().message;
  EXPECT_EQ(updated->record->fields["title"], "Won");
  EXPECT_EQ(updated->record->fields["value"], 3) << "a whole-object update keeps the rest";
}

}  // namespace
}  // namespace banyan::legacy::conformance
