// StoreRole and StoreKeeper on a real PostgreSQL.
#include "gateway/app/store_role.hpp"

#include <gtest/gtest.h>

#include <array>
#include <thread>

#include "adapters/records/ontology.hpp"
#include "tests/support/postgres_fixture.hpp"

namespace banyan::test {
namespace {

class StoreRoleTest : public PostgresTest {
protected:
  StoreRoleTest() {
    Settings settings;
    settings.store.kind = banyan::app::Store::Kind::url;
    settings.store.url = url("banyan_app");
    settings.store.owner_url = url("banyan_owner");
    role_ = std::move(*banyan::app::StoreRole::open(settings, clock_));
  }
  using Settings = banyan::app::Settings;

  static std::shared_ptr<const records::Ontology> crm() {
    const std::array files{std::string(records::kCrmOntology)};
    return std::make_shared<const records::Ontology>(records::load_ontology(files).value());
  }
  std::string indexes() {
    return value(superuser(),
                 "SELECT count(*) FROM pg_index WHERE indexrelid::regclass::text LIKE 'banyan.record_account_%'");
  }

  // Indexes that wait for a transaction to end.
  std::string waiting() {
    return value(superuser(),
                 "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'banyan indexes' AND "
                 "wait_event_type = 'Lock'");
  }

  std::unique_ptr<banyan::app::StoreRole> role_;
};

TEST_F(StoreRoleTest, ServingDoesNotWaitForTheIndexes) {
  ASSERT_TRUE(role_->prepare(soon()));
  const auto held = app().run(soon(), [&](store::Transaction& tx) {
    tx.exec("LOCK TABLE banyan.record IN ROW EXCLUSIVE MODE");  // no index can be made meanwhile
    banyan::app::StoreKeeper keeper(*role_, crm(), clock_);
    while (waiting() == "0") std::this_thread::yield();
    EXPECT_TRUE(role_->is_prepared());
    keeper.stop();
  });
  EXPECT_TRUE(held);
}

TEST_F(StoreRoleTest, TheKeeperMakesTheIndexesThatTheOntologyAsksFor) {
  banyan::app::StoreKeeper keeper(*role_, crm(), clock_);
  while (indexes() == "0") std::this_thread::yield();
  keeper.stop();
  EXPECT_TRUE(role_->is_prepared());
}

}  // namespace
}  // namespace banyan::test
