// The fixture of the conformance suite (legacy_conformance.hpp): short ways to do and see things through the port.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "gateway/base/clock.hpp"
#include "tests/integration/legacy_conformance_world.hpp"

namespace banyan::legacy::conformance {

using Kind = Failure::Kind;
using std::chrono::milliseconds;
using testing::AnyOf;
using testing::Contains;
using testing::IsSupersetOf;
using testing::Not;

inline Deadline soon() {
  return Deadline::after(SystemClock(), std::chrono::seconds(120));
}

inline Deadline in(milliseconds span) {
  return Deadline::after(SystemClock(), span);
}

// Whether this program holds a test suite of that name.
inline bool is_run(const std::string& suite) {
  const testing::UnitTest& tests = *testing::UnitTest::GetInstance();
  for (int i = 0; i < tests.total_test_suite_count(); ++i) {
    if (tests.GetTestSuite(i)->name() == suite) return true;
  }
  return false;
}

template <typename WorldType>
class LegacyConformance : public testing::Test {
protected:
  static void SetUpTestSuite() { world_ = std::make_unique<WorldType>(); }
  static void TearDownTestSuite() { world_.reset(); }
  void TearDown() override { world_->disturb_nothing(); }

  World& world() { return *world_; }
  LegacySystem& ours() { return world_->ours(); }
  LegacySystem& staff() { return world_->staff(); }
  const Capabilities& capabilities() { return ours().capabilities(world_->type()); }
  std::string type() { return world_->type(); }
  std::string text_field() { return world_->text_field(); }

  // A text that no other record holds.
  static std::string unique_text() {
    static std::atomic<int> count{0};
    const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
    return "Conformance " + std::to_string(now) + " " + std::to_string(++count);
  }

  template <typename T>
  static T get(Answer<T> answer) {
    if (!answer) throw std::runtime_error("unexpected failure: " + answer.error().message);
    return std::move(*answer);
  }
  template <typename T>
  static Kind kind_of(const Answer<T>& answer) {
    if (answer) throw std::runtime_error("a failure was expected, and an answer came");
    EXPECT_LE(answer.error().message.size(), 2048U);
    EXPECT_FALSE(answer.error().message.empty());
    return answer.error().kind;
  }

  CreateMark mark() { return CreateMark{"0192f0c1-0000-7000-8000-" + token(), get(ours().now(soon()))}; }
  Written create(const std::string& text) {
    return get(ours().create(type(), world_->new_record(text), mark(), soon()));
  }
  std::string staff_create(const std::string& text) {
    return get(staff().create(type(), world_->new_record(text), mark(), soon())).id;
  }
  Written staff_update(const std::string& id, const std::string& text) {
    const LegacyRecord now = fetch_by(staff(), id);
    Json whole = now.fields;
    whole[text_field()] = text;
    return get(staff().update(type(), id, Json{{text_field(), text}}, whole, "", soon()));
  }
  Answer<Written> update(const std::string& id, const Json& fields, const std::string& expected) {
    Json whole = fetch(id).fields;
    whole.update(fields);
    return ours().update(type(), id, fields, whole, expected, soon());
  }
  LegacyRecord fetch_by(LegacySystem& system, const std::string& id) {
    const std::vector<std::string> ids{id};
    auto found = get(system.fetch(type(), ids, soon()));
    if (found.size() != 1) throw std::runtime_error("record " + id + " was expected to exist");
    return found.front();
  }
  LegacyRecord fetch(const std::string& id) { return fetch_by(ours(), id); }
  bool exists(const std::string& id) {
    const std::vector<std::string> ids{id};
    return !get(ours().fetch(type(), ids, soon())).empty();
  }

  // The end of the feed as it is now.
  Cursor end_of_feed() {
    static Cursor cursor;
    for (;;) {
      const Page page = get(ours().changes(type(), cursor, 10, soon()));
      cursor = page.next;
      if (!page.more) return cursor;
    }
  }
  // Everything after the cursor, page by page; no page may be larger than `limit`.
  std::vector<LegacyRecord> changes_after(Cursor cursor, std::size_t limit) {
    std::vector<LegacyRecord> all;
    for (;;) {
      const Page page = get(ours().changes(type(), cursor, limit, soon()));
      EXPECT_LE(page.records.size(), limit);
      EXPECT_EQ(page.problem, "");
      all.insert(all.end(), page.records.begin(), page.records.end());
      if (!page.records.empty()) {
        EXPECT_EQ(page.records.back().cursor, page.next);
      }
      if (!page.more) return all;
      EXPECT_FALSE(page.records.empty());
      cursor = page.next;
    }
  }
  bool has_feed() { return capabilities().feed != Feed::scan_only; }
  static bool is_blank(const Json& value) { return value.is_null() || value == Json(""); }
  static std::vector<std::string> ids_of(const std::vector<LegacyRecord>& records) {
    std::vector<std::string> ids;
    for (const auto& record : records) ids.push_back(record.id);
    return ids;
  }
  std::vector<LegacyRecord> with_text(const std::vector<LegacyRecord>& records, const std::string& text) {
    std::vector<LegacyRecord> found;
    std::copy_if(records.begin(), records.end(), std::back_inserter(found),
                 [&](const LegacyRecord& record) { return record.fields.value(text_field(), "") == text; });
    return found;
  }

private:
  static std::string token() {
    static int count = 100000;
    return "000000" + std::to_string(++count);
  }
  static inline std::unique_ptr<WorldType> world_;
};

}  // namespace banyan::legacy::conformance
