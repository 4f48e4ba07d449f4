// The contract of SyncStore, kept by PostgreSQL.
#include "tests/support/sync_store_contract.hpp"
#include "tests/support/sync_store_contract_lookups.hpp"
#include "tests/support/sync_store_contract_matters.hpp"

#include "tests/integration/sync_store_world.hpp"

namespace banyan::test {
namespace {

std::unique_ptr<SyncStoreWorld> make_world() {
  return std::make_unique<PostgresSyncWorld>();
}

INSTANTIATE_TEST_SUITE_P(Postgres, SyncStoreContract, ::testing::Values(SyncStoreFactory(make_world)));

}  // namespace
}  // namespace banyan::test
