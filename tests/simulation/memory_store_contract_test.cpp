// The contract of SyncStore, kept by the store of the simulation.
#include "tests/simulation/memory_store.hpp"
#include "tests/simulation/sim_clock.hpp"
#include "tests/support/sync_store_contract.hpp"
#include "tests/support/sync_store_contract_lookups.hpp"
#include "tests/support/sync_store_contract_matters.hpp"

namespace banyan::test {
namespace {

class MemoryWorld final : public SyncStoreWorld {
public:
  sync::SyncStore& store() override { return store_; }
  // Time goes on from call to call.
  Deadline soon() override {
    time_.advance(std::chrono::milliseconds(1));
    return Deadline::after(clock_, std::chrono::seconds(10));
  }
  void pass(std::chrono::milliseconds span) override { time_.advance(span); }
  void write(const RecordWrite& write) override { store_.write(write); }
  void answer(std::int64_t parked, const Json& answer, const std::string& by) override {
    if (!store_.answer(parked, answer, by)) throw std::runtime_error("there is no such open matter");
  }
  sync::Counts counts(StreamId stream, records::Side side) override {
    const auto& rows = store_.stream(stream);
    return side == records::Side::legacy ? rows.legacy_counts : rows.modern_counts;
  }
  std::vector<sync::InboxEntry> inbox(StreamId stream) override {
    std::vector<sync::InboxEntry> entries;
    for (const auto& [id, row] : store_.stream(stream).inbox) entries.push_back(row.entry);
    return entries;
  }

private:
  simulation::TrueTime time_;
  simulation::SimClock clock_{time_};
  simulation::MemoryStore store_{clock_};
};

std::unique_ptr<SyncStoreWorld> make_world() {
  return std::make_unique<MemoryWorld>();
}

INSTANTIATE_TEST_SUITE_P(Memory, SyncStoreContract, ::testing::Values(SyncStoreFactory(make_world)),
                         [](const auto&) { return "Store"; });

}  // namespace
}  // namespace banyan::test
