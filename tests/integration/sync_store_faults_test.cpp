// What the store of sync keeps to when processes compete and PostgreSQL's sessions die.
#include <signal.h>

#include <atomic>
#include <thread>

#include "tests/integration/sync_store_world.hpp"

namespace banyan::test {
namespace {

class SyncStoreFaults : public SyncStoreContract {
protected:
  PostgresSyncWorld& world() { return static_cast<PostgresSyncWorld&>(*world_); }

  Changes account(int number) {
    Changes changes;
    changes.records.push_back(insert(number, "Acme", stream_));
    changes.links.push_back(link(std::to_string(number), number, "Acme"));
    changes.inbox.push_back(captured(std::to_string(number), Outcome::applied));
    changes.legacy_counts.captured = changes.legacy_counts.applied = 1;
    return changes;
  }
  // All of account(number), or nothing of it.
  bool is_there(int number) {
    const bool linked = by_legacy(std::to_string(number)).link.has_value();
    EXPECT_EQ(by_record(record_id(number)).record.has_value(), linked);
    EXPECT_EQ(world_->inbox(stream_).size(), linked ? 1U : 0U);
    EXPECT_EQ(world_->counts(stream_, records::Side::legacy).captured, linked ? 1 : 0);
    return linked;
  }
};

std::unique_ptr<SyncStoreWorld> make_world() {
  return std::make_unique<PostgresSyncWorld>();
}
INSTANTIATE_TEST_SUITE_P(Postgres, SyncStoreFaults, ::testing::Values(SyncStoreFactory(make_world)));

TEST_P(SyncStoreFaults, OfManyThatCompeteForALeaseOneGetsIt) {
  const StreamId stream = open("crm", "contact");
  std::atomic<int> holders = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&, i] {
      if (take(stream, "process " + std::to_string(i))) ++holders;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(holders, 1);
}

TEST_P(SyncStoreFaults, ALeaseIsNotTakenOverWhileACommitIsUnderWay) {
  const StreamId stream = open("crm", "contact");
  std::thread them;
  std::atomic<bool> is_committed = false;
  std::atomic<bool> came_after = false;
  const auto decide = [&](View& view) {
    if (!them.joinable()) {
      them = std::thread([&] {
        while (!take(stream, "them")) std::this_thread::yield();
        came_after = is_committed.load() || came_after;
      });
      while (look([&](View& other) { return other.now(); }) < view.now() + std::chrono::milliseconds(400)) {
      }
    }
    Changes changes;
    changes.legacy_counts.captured = changes.legacy_counts.applied = 1;
    is_committed = true;  // what remains is to write: nobody comes in between
    return changes;
  };
  Fence ours;
  Result<void> done;
  for (int tries = 0; tries < 100 && !them.joinable(); ++tries) {  // it may run out before the commit begins
    ours = *store().lease(stream, "us", std::chrono::milliseconds(300), world_->soon()).value();
    done = store().commit(ours, decide, world_->soon());
  }
  ASSERT_TRUE(them.joinable()) << done.error().internal_detail;
  them.join();
  EXPECT_TRUE(done);
  EXPECT_TRUE(came_after);
  EXPECT_EQ(world_->counts(stream, records::Side::legacy).applied, 1);
  EXPECT_FALSE(commit(ours, {}));
}

TEST_P(SyncStoreFaults, ASessionThatEndsInTheMiddleOfACommitLeavesNothingHalfDone) {
  int runs = 0;
  const auto done = store().commit(
      fence_,
      [&](View&) {
        if (runs++ == 0) {
          world().run(
              "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE usename = 'banyan_app' AND "
              "datname = current_database()");
        }
        return account(1);
      },
      world_->soon());
  ASSERT_TRUE(done) << done.error().internal_detail;
  EXPECT_EQ(runs, 2);
  EXPECT_TRUE(is_there(1));
}

TEST_P(SyncStoreFaults, ABackendKilledInTheMiddleOfACommitLeavesNothingHalfDone) {
  world().run("CHECKPOINT");  // the tests' server does not wait for its disk: what was set up must survive
  int runs = 0;
  const auto done = store().commit(
      fence_,
      [&](View&) {
        if (runs++ == 0) {
          const auto found = world().superusers().transact<int>(world_->soon(), [](store::Transaction& tx) {
            return tx
                .exec1(
                    "SELECT pid FROM pg_stat_activity WHERE usename = 'banyan_app' AND state = 'idle in transaction' "
                    "AND datname = current_database()")[0]
                .as<int>();
          });
          EXPECT_EQ(::kill(found.value(), SIGKILL), 0);  // the server ends all sessions and recovers
        }
        return account(1);
      },
      world_->soon());
  EXPECT_EQ(is_there(1), done.has_value());
}

TEST_P(SyncStoreFaults, ACrashOfTheServerMakesAScanConcludeNothingFromWhatItForgot) {
  must_commit(account(1));
  Changes begin;
  begin.forget_seen = true;
  begin.seen = {"1"};
  begin.state = look([](View& view) { return view.state(); });
  begin.state->scan.started = look([](View& view) { return view.now(); });
  must_commit(begin);
  world().run("TRUNCATE banyan.scan_chunk");  // as recovery does with what is not in the log
  const auto is_lost = [&] {
    const bool counts = look([](View& view) { return view.count_not_seen({"", 1'000}).has_value(); });
    return !counts && !look([](View& view) { return view.not_seen({"", 1'000}, 10).has_value(); });
  };
  EXPECT_TRUE(is_lost());
  Changes more;
  more.seen = {"2"};
  must_commit(more);
  EXPECT_TRUE(is_lost()) << "what it has met since is not all";
  must_commit(begin);
  EXPECT_FALSE(is_lost());
  Changes fresh;
  fresh.forget_seen = true;
  must_commit(fresh);
  EXPECT_EQ(look([](View& view) { return view.not_seen({"", 1'000}, 10)->ids; }), std::vector<std::string>{"1"});
}

TEST_P(SyncStoreFaults, ACommitWhoseOutcomeIsUnknownSaysSoAndMayBeRunAgain) {
  world().run(
      "CREATE FUNCTION public.die() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS "
      "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$; "
      "CREATE CONSTRAINT TRIGGER die AFTER INSERT ON banyan.inbox DEFERRABLE INITIALLY DEFERRED "
      "FOR EACH ROW EXECUTE FUNCTION public.die()");
  const auto doubtful = commit(fence_, account(1));
  ASSERT_FALSE(doubtful);
  EXPECT_EQ(doubtful.error().code, ErrorCode::unavailable);
  EXPECT_EQ(doubtful.error().internal_detail, "commit outcome unknown");
  EXPECT_FALSE(is_there(1));
  world().run("DROP TRIGGER die ON banyan.inbox");
  must_commit(account(1));
  EXPECT_TRUE(is_there(1));
}

}  // namespace
}  // namespace banyan::test
