// Streams on a real PostgreSQL, with a legacy system in memory.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "adapters/records/ontology.hpp"
#include "adapters/sync/stream.hpp"
#include "adapters/sync/sync_queries.hpp"
#include "tests/integration/sync_store_world.hpp"
#include "tests/support/fake_legacy.hpp"

namespace banyan::test {

// The real clock, that a test can put forward.
class LeapingClock final : public Clock {
public:
  SteadyTime now() const override { return std::chrono::steady_clock::now() + ahead_; }
  WallTime wall() const override { return std::chrono::system_clock::now(); }
  void pass(std::chrono::milliseconds span) { ahead_ += span; }

private:
  std::chrono::milliseconds ahead_{0};
};

class SyncStreamTest : public ::testing::Test {
protected:
  SyncStreamTest() : queries_(world_.database()), mapping_(read_mapping()), budget_(std::nullopt, clock_) {
    options_.backfills_itself = true;
  }

  std::unique_ptr<sync::Stream> make(const std::string& entity) {
    const StreamId id = world_.store().open_stream("crm", entity, world_.soon()).value();
    sync::Stream::Parts parts{*mapping_.find(entity), legacy_, *store_, budget_, clock_, [this] {
                                const std::string number = std::to_string(++made_);
                                return "01900000-0000-7000-9000-" + std::string(12 - number.size(), '0') + number;
                              }};
    return std::make_unique<sync::Stream>(id, options_, std::move(parts));
  }
  Fence take(const sync::Stream& stream) {
    return *world_.store().lease(stream.id(), "us", std::chrono::seconds(600), world_.soon()).value();
  }
  // Lets the stream work until there is nothing left to do.
  void settle(sync::Stream& stream, const Fence& fence) {
    int idle = 0;
    for (int steps = 0; idle < 3 && steps < 500; ++steps) {
      if (stream.step(fence).next == sync::Step::Next::again) continue;
      clock_.pass(std::chrono::seconds(1));  // polls and pauses are over
      ++idle;
    }
    EXPECT_EQ(idle, 3) << stream.status().trouble;
  }
  sync::ScanState scan_of(const sync::Stream& stream) {
    return world_.store().state(stream.id(), world_.soon()).value().scan;
  }
  // What a run asked for by a person leaves.
  sync::ScanState run(sync::Stream& stream, const Fence& fence, const sync::ScanRequest& request) {
    EXPECT_TRUE(stream.start_scan(fence, request));
    settle(stream, fence);
    sync::ScanState scan = scan_of(stream);
    EXPECT_EQ(scan.kind, request.kind);
    EXPECT_EQ(scan.phase, sync::ScanState::Phase::done);
    return scan;
  }
  sync::ScanState verify(sync::Stream& stream, const Fence& fence, bool repair = false) {
    return run(stream, fence, {sync::ScanState::Kind::verify, false, repair});
  }
  std::int64_t number(const std::string& sql) {
    std::int64_t found = 0;
    const auto done = world_.database().run(
        world_.soon(), [&](store::Transaction& tx) { found = tx.exec1(sql)[0].as<std::int64_t>(); });
    EXPECT_TRUE(done);
    return found;
  }

  static sync::Mapping read_mapping() {
    const records::Ontology& known = ontology();
    return sync::parse_mapping(R"(
entities:
  account:
    type: party
    children: [contact]
    fields:
      name: name
      code: code
      kind: {legacy: kind, values: {org: organisation, per: person}}
  contact:
    type: person
    deletes: to_modern
    fields:
      account: {legacy: party, lookup: account}
      name: name
)",
                               "m.yaml", "crm", known)
        .value();
  }
  static const records::Ontology& ontology() {
    static const records::Ontology parsed = [] {
      const std::array<records::OntologyText, 1> texts{{{"test.yaml", R"(
entities:
  account:
    fields:
      name: {type: text, required: true}
      code: {type: text}
      kind: {type: choice, values: [organisation, person]}
  contact:
    fields:
      account: {type: reference, to: account, required: true}
      name: {type: text, required: true}
)"}}};
      return records::parse_ontology(texts).value();
    }();
    return parsed;
  }

  PostgresSyncWorld world_;
  sync::SyncStore* store_ = &world_.store();  // of the streams that are made
  sync::SyncQueries queries_;
  FakeLegacy legacy_;
  LeapingClock clock_;
  sync::Mapping mapping_;
  sync::Budget budget_;
  sync::StreamOptions options_;
  int made_ = 0;
};

}  // namespace banyan::test
