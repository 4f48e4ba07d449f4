// The ports of one simulated process: the network to the legacy system and the connection to the store, with all that
// can happen on them. Around every call others may act and time may pass; the call may be lost before or after its
// effect; the process may die in the middle of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "adapters/sync/sync_store.hpp"
#include "tests/simulation/sim_clock.hpp"
#include "tests/simulation/sim_legacy.hpp"
#include "tests/simulation/sim_random.hpp"

namespace banyan::simulation {

using sync::RecordWrite;
using sync::StreamId;

// The process dies here. Not an exception of the product: nothing there may catch it.
struct Crash {
  int process = 0;
};

// How often what goes wrong, in so many of a thousand calls.
struct Faults {
  bool on = false;
  std::uint32_t unavailable = 0;   // the request never arrived
  std::uint32_t lost_answer = 0;   // it did, and the answer was lost
  std::uint32_t no_answer = 0;     // it did not, and nobody can tell
  std::uint32_t late = 0;          // a write arrives only after its caller has given up
  std::uint32_t deadline = 0;      // as either of the two, after the whole deadline
  std::uint32_t rate_limited = 0;  // with or without a time to wait
  std::uint32_t malformed = 0;     // an answer that is none
  std::uint32_t unauthorised = 0;
  std::uint32_t unreadable = 0;  // a row that is not as promised
  std::uint32_t repeated = 0;    // a row twice in one page
  std::uint32_t serialization = 0;
  std::uint32_t store_refuses = 0;   // disk full, failover: nothing was written
  std::uint32_t unknown_commit = 0;  // written or not, nobody can tell
  std::uint32_t crash = 0;
  std::uint32_t interleave = 0;  // others act in the middle of the call
};

// What happens around a call: the world goes on. May throw Crash.
class Interference {
public:
  virtual ~Interference() = default;
  virtual void happen(int process, const std::string& where) = 0;
  // For the trace.
  virtual bool traces() const = 0;
  virtual void note(const std::string& text) = 0;
  // `effect` takes place then, whatever becomes of the process.
  virtual void later(std::chrono::milliseconds delay, std::function<void()> effect) = 0;
};

class SimPort final : public legacy::LegacySystem {
public:
  SimPort(int process, SimLegacy& system, const Clock& clock, const Faults& faults, Random& random,
          Interference& interference);

  const legacy::Capabilities& capabilities(const std::string& type) const override;
  Answer<legacy::Page> changes(const std::string& type, const legacy::Cursor& after, std::size_t limit,
                               Deadline deadline) override;
  Answer<legacy::Cursor> here(const std::string& type, Deadline deadline) override;
  legacy::Cursor rewind(const std::string& type, const legacy::Cursor& cursor,
                        std::chrono::milliseconds overlap) const override;
  std::chrono::milliseconds distance(const std::string& type, const legacy::Cursor& later,
                                     const legacy::Cursor& earlier) const override;
  Answer<legacy::Page> scan(const std::string& type, const std::string& position, std::size_t limit,
                            Deadline deadline) override;
  Answer<std::vector<LegacyRecord>> fetch(const std::string& type, std::span<const std::string> ids,
                                          Deadline deadline) override;
  Answer<legacy::Written> create(const std::string& type, const Json& fields, const legacy::CreateMark& mark,
                                 Deadline deadline) override;
  Answer<legacy::Written> update(const std::string& type, const std::string& id, const Json& fields, const Json& whole,
                                 const std::string& expected, Deadline deadline) override;
  Answer<void> remove(const std::string& type, const std::string& id, const std::string& expected,
                      Deadline deadline) override;
  Answer<std::vector<LegacyRecord>> find(const std::string& type, const legacy::CreateMark& mark,
                                         Deadline deadline) override;
  Answer<std::vector<std::string>> deleted_since(const std::string& type, const legacy::Cursor& since,
                                                 Deadline deadline) override;
  Answer<std::vector<legacy::FieldDescription>> describe(const std::string& type, Deadline deadline) override;
  Answer<WallTime> now(Deadline deadline) override;

  // The process has died: it knows nothing of a time that the system has asked for.
  void start_anew() { quiet_until_ = {}; }

  // A step begins, or ends: the one that was under way before goes on.
  struct StepMark {
    EditId began = 0;
    SteadyTime at{};
    std::int64_t number = 0;
  };
  std::int64_t step_number() const { return mark_.number; }
  StepMark enter_step(StepMark mark) { return std::exchange(mark_, mark); }
  const std::vector<std::string>& violations() const { return violations_; }
  // Asked before each write: why it must not be made.
  std::function<std::optional<std::string>(const std::string& type)> refuses_write;

private:
  template <typename T, typename Effect>
  Answer<T> call(const std::string& name, const std::string& type, bool writes, Deadline deadline, Effect effect);
  std::optional<legacy::Failure> compared(const std::string& type, const std::string& id, const std::string& expected,
                                          Json* found);
  template <typename T>
  Answer<T> carry_out(bool late, std::function<Answer<T>()> write);
  tl::unexpected<legacy::Failure> limited();
  Answer<legacy::Page> damaged(Answer<legacy::Page> page);

  const int process_;
  SimLegacy& system_;
  const Clock& clock_;
  const Faults& faults_;
  Random& random_;
  Interference& interference_;
  StepMark mark_;
  SteadyTime limited_at_{};
  SteadyTime quiet_until_{};
  std::vector<std::string> violations_;
};

// What a commit wrote, as far as the judge needs it.
struct CommitSummary {
  struct Write {
    RecordWrite::Kind kind = RecordWrite::Kind::update;
    std::string entity;
    std::string id;
    std::int64_t version = 0;
    Json changed;
    std::string author;
    bool legacy_side = false;
  };
  std::vector<Write> writes;
  std::vector<std::pair<std::string, std::string>> links;  // legacy id, record id
  std::vector<Json> recorded;                              // what parked matters hold
  bool answers = false;                                    // a person's decision was carried out
};

class SimStorePort final : public sync::SyncStore {
public:
  SimStorePort(int process, sync::SyncStore& store, const Clock& clock, const Faults& faults, Random& random,
               Interference& interference);

  Result<StreamId> open_stream(const std::string& system, const std::string& entity, Deadline deadline) override;
  Result<std::optional<sync::Fence>> lease(StreamId stream, const std::string& owner, std::chrono::milliseconds term,
                                           Deadline deadline) override;
  Result<std::size_t> present(const std::string& owner, std::chrono::milliseconds term, Deadline deadline) override;
  Result<void> release(const sync::Fence& fence, Deadline deadline) override;
  Result<void> commit(const sync::Fence& fence, const sync::Decide& decide, Deadline deadline) override;
  Result<sync::StreamState> state(StreamId stream, Deadline deadline) override;
  Result<std::vector<sync::OutboxItem>> outbox(StreamId stream, std::size_t limit, WallTime now,
                                               Deadline deadline) override;
  Result<std::vector<sync::Waiting>> due(StreamId stream, std::size_t limit, WallTime now, Deadline deadline) override;
  Result<std::vector<sync::Parked>> ready_matters(StreamId stream, std::size_t limit, Look look,
                                                  Deadline deadline) override;
  Result<Drift> drift(StreamId stream, std::size_t limit, Deadline deadline,
                      const sync::DriftScope& scope = {}) override;

  std::function<void(StreamId, const CommitSummary&)> committed;
  std::function<void(const Error&)> refused;  // by the store itself, not by a fault

private:
  bool fails(Deadline deadline);
  tl::unexpected<Error> broken();

  const int process_;
  sync::SyncStore& store_;
  const Clock& clock_;
  const Faults& faults_;
  Random& random_;
  Interference& interference_;
};

}  // namespace banyan::simulation
