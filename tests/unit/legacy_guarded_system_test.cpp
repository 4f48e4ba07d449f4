// What a refusal of the credentials does to the calls that follow.
#include "adapters/legacy/guarded_system.hpp"

#include <gmock/gmock.h>

#include <functional>
#include <optional>
#include <stdexcept>
#include <utility>

#include "tests/support/hand_clock.hpp"

namespace banyan::test {
namespace {

using namespace std::chrono_literals;
using legacy::Failure;
using legacy::GuardedSystem;
using testing::HasSubstr;
using testing::IsEmpty;

// Refuses what it is told to refuse, and counts what reaches it.
class Picky final : public legacy::LegacySystem {
public:
  int calls = 0;
  std::optional<Failure::Kind> failure;   // of every call
  std::string refuses;                    // this type alone; "": none
  std::function<void()> on_call = [] {};  // once, while it is asked

  const legacy::Capabilities& capabilities(const std::string&) const override { return abilities_; }
  legacy::Answer<legacy::Page> changes(const std::string& type, const legacy::Cursor&, std::size_t, Deadline) override {
    return answer<legacy::Page>(type);
  }
  legacy::Answer<legacy::Cursor> here(const std::string& type, Deadline) override {
    return answer<legacy::Cursor>(type);
  }
  legacy::Cursor rewind(const std::string&, const legacy::Cursor& cursor, std::chrono::milliseconds) const override {
    return cursor;
  }
  std::chrono::milliseconds distance(const std::string&, const legacy::Cursor&, const legacy::Cursor&) const override {
    return {};
  }
  legacy::Answer<legacy::Page> scan(const std::string& type, const std::string&, std::size_t, Deadline) override {
    return answer<legacy::Page>(type);
  }
  legacy::Answer<std::vector<legacy::LegacyRecord>> fetch(const std::string& type, std::span<const std::string>,
                                                          Deadline) override {
    return answer<std::vector<legacy::LegacyRecord>>(type);
  }
  legacy::Answer<legacy::Written> create(const std::string& type, const legacy::Json&, const legacy::CreateMark&,
                                         Deadline) override {
    return answer<legacy::Written>(type);
  }
  legacy::Answer<legacy::Written> update(const std::string& type, const std::string&, const legacy::Json&,
                                         const legacy::Json&, const std::string&, Deadline) override {
    return answer<legacy::Written>(type);
  }
  legacy::Answer<void> remove(const std::string&, const std::string&, const std::string&, Deadline) override {
    return {};
  }
  legacy::Answer<std::vector<legacy::LegacyRecord>> find(const std::string& type, const legacy::CreateMark&,
                                                         Deadline) override {
    return answer<std::vector<legacy::LegacyRecord>>(type);
  }
  legacy::Answer<std::vector<std::string>> deleted_since(const std::string& type, const legacy::Cursor&,
                                                         Deadline) override {
    return answer<std::vector<std::string>>(type);
  }
  legacy::Answer<std::vector<legacy::FieldDescription>> describe(const std::string& type, Deadline) override {
    return answer<std::vector<legacy::FieldDescription>>(type);
  }
  legacy::Answer<WallTime> now(Deadline) override { return WallTime{}; }

private:
  template <typename T>
  legacy::Answer<T> answer(const std::string& type) {
    ++calls;
    std::exchange(on_call, [] {})();
    const bool is_refused = !refuses.empty() && type == refuses;
    if (is_refused) return tl::unexpected(Failure{Failure::Kind::unauthorised, "not you", std::nullopt});
    if (failure) return tl::unexpected(Failure{*failure, "not you", std::nullopt});
    return T{};
  }
  legacy::Capabilities abilities_;
};

class RefusedCredentials : public ::testing::Test {
protected:
  RefusedCredentials() : guarded_("crm", std::unique_ptr<Picky>(system_), clock_) {}

  legacy::Answer<legacy::Page> poll(const std::string& type = "party") {
    return guarded_.changes(type, {}, 10, Deadline::after(clock_, 10s));
  }
  void refuse() { system_->failure = Failure::Kind::unauthorised; }
  void accept() { system_->failure.reset(); }

  HandClock clock_;
  Picky* system_ = new Picky;
  GuardedSystem guarded_;
};

TEST_F(RefusedCredentials, HoldEveryCallOfTheSystemForAMinute) {
  refuse();
  EXPECT_FALSE(poll("party"));
  for (const char* type : {"party", "address", "employee"}) {
    const auto held = poll(type);
    ASSERT_FALSE(held);
    EXPECT_EQ(held.error().kind, Failure::Kind::unauthorised);
    EXPECT_THAT(held.error().message, HasSubstr("credentials refused: not you"));
    EXPECT_EQ(held.error().retry_after, 60s);
  }
  EXPECT_FALSE(guarded_.now(Deadline::after(clock_, 10s)));
  EXPECT_EQ(system_->calls, 1);
}

TEST_F(RefusedCredentials, AreTriedByOneCallAMinuteWhateverTheNumberOfCallers) {
  refuse();
  for (int second = 0; second < 600; ++second) {
    for (const char* type : {"party", "address", "employee", "sale"}) (void)poll(type);
    clock_.pass(1s);
  }
  EXPECT_EQ(system_->calls, 10);
}

TEST_F(RefusedCredentials, OpenTheSystemToAllOnceTheyAreTaken) {
  refuse();
  EXPECT_FALSE(poll());
  accept();
  clock_.pass(60s);
  EXPECT_TRUE(poll("address"));
  EXPECT_TRUE(poll("party"));
  EXPECT_THAT(guarded_.refusal(), IsEmpty());
}

TEST_F(RefusedCredentials, HoldTheOthersWhileOneCallTriesThem) {
  refuse();
  EXPECT_FALSE(poll());
  clock_.pass(60s);
  legacy::Answer<legacy::Page> other;
  system_->on_call = [&] { other = poll("address"); };
  EXPECT_FALSE(poll());
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().retry_after, 1s);
  EXPECT_EQ(system_->calls, 2);
}

TEST_F(RefusedCredentials, AreTriedAgainAfterATryThatThrew) {
  refuse();
  EXPECT_FALSE(poll());
  clock_.pass(60s);
  system_->on_call = [] { throw std::runtime_error("a fault"); };
  EXPECT_THROW((void)poll(), std::runtime_error);
  accept();
  clock_.pass(60s);
  EXPECT_TRUE(poll());
}

TEST_F(RefusedCredentials, AreTriedAtOnceWhenAPersonSaysSoButNotForEachStream) {
  refuse();
  EXPECT_FALSE(poll());
  for (int stream = 0; stream < 7; ++stream) {
    guarded_.try_now();
    (void)poll();
  }
  EXPECT_EQ(system_->calls, 2);
  clock_.pass(5s);
  accept();
  guarded_.try_now();
  EXPECT_TRUE(poll());
}

TEST_F(RefusedCredentials, WaitLongerTheMoreProcessesTryThem) {
  guarded_.shared_by(3);
  refuse();
  EXPECT_FALSE(poll());
  EXPECT_EQ(poll().error().retry_after, 180s);
}

TEST_F(RefusedCredentials, AreNotTakenForGoodBecauseAnAdapterHasSomethingToSay) {
  refuse();
  EXPECT_FALSE(poll());
  accept();
  clock_.pass(60s);
  EXPECT_TRUE(guarded_.describe("party", Deadline::after(clock_, 10s)));
  const std::string id = "7";
  EXPECT_TRUE(guarded_.fetch("party", std::span(&id, 1), Deadline::after(clock_, 10s))) << "no row";
  EXPECT_THAT(guarded_.refusal(), HasSubstr("credentials refused"));
  EXPECT_TRUE(poll()) << "what was no log-in costs no minute";
  EXPECT_THAT(guarded_.refusal(), IsEmpty());
}

TEST_F(RefusedCredentials, StayRefusedWhileTheSystemIsAway) {
  refuse();
  EXPECT_FALSE(poll());
  clock_.pass(60s);
  system_->failure = Failure::Kind::unavailable;
  EXPECT_EQ(poll().error().kind, Failure::Kind::unavailable);
  EXPECT_EQ(poll().error().kind, Failure::Kind::unauthorised) << "whether a log-in got through is not known";
  EXPECT_EQ(system_->calls, 2);
}

TEST_F(RefusedCredentials, AnAnswerToACallOfBeforeTheRefusalDoesNotOpen) {
  system_->on_call = [&] {
    refuse();
    EXPECT_FALSE(poll("address"));
    accept();
  };
  EXPECT_TRUE(poll("party")) << "it was under way";
  EXPECT_FALSE(poll("party"));
}

TEST_F(RefusedCredentials, ARightThatIsMissingHoldsTheOthersOnceAndNoMore) {
  system_->refuses = "secret";
  EXPECT_FALSE(poll("secret"));
  clock_.pass(60s);
  EXPECT_TRUE(poll("party"));
  for (int minute = 0; minute < 3; ++minute) {
    const auto alone = poll("secret");
    ASSERT_FALSE(alone);
    EXPECT_EQ(alone.error().retry_after, 60s);
    EXPECT_TRUE(poll("party")) << minute;
    clock_.pass(60s);
  }
  refuse();
  EXPECT_FALSE(poll("party"));
  const int before = system_->calls;
  EXPECT_FALSE(poll("address"));
  EXPECT_EQ(system_->calls, before) << "a password that is wrong holds all, now as ever";
}

TEST_F(RefusedCredentials, OtherFailuresHoldNobody) {
  for (const auto kind : {Failure::Kind::unavailable, Failure::Kind::rejected, Failure::Kind::rate_limited,
                          Failure::Kind::deadline, Failure::Kind::malformed}) {
    system_->failure = kind;
    EXPECT_EQ(poll().error().kind, kind);
    EXPECT_EQ(poll("address").error().kind, kind);
  }
  EXPECT_EQ(system_->calls, 10);
}

}  // namespace
}  // namespace banyan::test
