// World: one run of the simulation. One seed, one thread; processes, people and the network take turns.
//
// Whatever happens at the same time in reality is nested here: in the middle of a call of one process the World lets
// another process make a whole step, a person edit the record in question, an hour pass, or the process die.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapters/sync/budget.hpp"
#include "adapters/sync/stream.hpp"
#include "tests/simulation/judge.hpp"
#include "tests/simulation/ledger.hpp"
#include "tests/simulation/memory_store.hpp"
#include "tests/simulation/profiles.hpp"
#include "tests/simulation/sim_port.hpp"
#include "tests/simulation/twin.hpp"

namespace banyan::simulation {

struct RunOptions {
  std::uint64_t seed = 1;
  std::uint32_t operations = 2'000;
  std::string profile;    // empty: by the seed
  bool trace = false;     // every operation to standard error
  TwinFactory make_twin;  // empty: the engine works on the memory alone
};

struct RunReport {
  std::string profile;
  std::int64_t operations = 0;
  std::int64_t edits = 0;
  std::int64_t steps = 0;
  std::int64_t crashes = 0;
  std::int64_t captured = 0;
  std::int64_t conflicts = 0;
  std::int64_t window_losses = 0;  // where the system's interface leaves no way to notice an edit
};

class World final : public Interference {
public:
  explicit World(const RunOptions& options);
  ~World() override;

  // Throws Violation.
  RunReport run();

  void happen(int process, const std::string& where) override;
  bool traces() const override { return options_.trace; }
  void note(const std::string& text) override { trace("  " + text); }
  void later(std::chrono::milliseconds delay, std::function<void()> effect) override;

private:
  struct Member {  // a stream in a process
    std::unique_ptr<sync::Stream> stream;
    std::optional<sync::Fence> fence;
    SteadyTime renewed{};
    SteadyTime wake{};
    bool stepping = false;
  };
  struct Process {
    Process(int its_number, World& world);
    int number;
    std::string owner;
    SimClock clock;
    SimPort port;
    SimStorePort store;
    std::unique_ptr<sync::Budget> budget;
    std::vector<SteadyTime> committed_at;  // by stream
    std::vector<Member> members;
    int frames = 0;
    int lives = 0;
    bool dead = false;
    SteadyTime down_until{};
  };
  struct Webhook {
    SteadyTime at{};
    std::size_t line = 0;
    std::string id;
  };

  // world.cpp: processes
  void start(Process& process);
  bool hold_lease(Process& process, Member& member, StreamId stream);
  bool tick(Process& process, std::size_t line);
  void step(Process& process, std::size_t line);
  void random_tick();
  void deliver_webhooks();
  void deliver_late_writes();
  void nudge_all();
  sync::SyncStore& engine_store();
  void trace(const std::string& text) const;
  std::string new_uuid();
  // actors.cpp: one operation of somebody
  void operate();
  void legacy_operation();
  void modern_operation();
  void admin_operation();
  void restore_cursor(std::size_t line);
  void populate();
  Json legacy_value(const FieldSpec& field);
  Json modern_value(const FieldSpec& field);
  std::string text_for(const std::string& field);
  std::string any_row(const std::string& type, bool deleted = false);
  const Record* any_record(const std::string& entity, bool deleted = false);
  std::size_t any_line();
  void legacy_create(const EntitySpec& entity);
  void legacy_edit(const EntitySpec& entity, const std::string& id);
  void legacy_rare(const EntitySpec& entity, const std::string& id);
  void bulk_import(const EntitySpec& entity);
  void twins();
  void modern_create(const EntitySpec& entity);
  void modern_edit(const EntitySpec& entity, const Record& record);
  void modern_delete(const Record& record);
  void modern_restore(const Record& record);
  bool legacy_may_lose(std::size_t line) const;
  bool modern_may_lose(std::size_t line) const;
  void flip_owner(std::size_t line);
  void ask_for_scan(std::size_t line, const sync::ScanRequest& request);
  bool accept_held_deletes();
  void work_until_quiet();
  void webhook(std::size_t line, const std::string& id);
  // people.cpp: who answers questions and puts wrong values right
  void answer_some(std::size_t line);
  void answer(std::size_t line, const sync::Parked& matter);
  Json answer_field(const FieldSpec& field, const sync::Parked& matter, ThingId thing);
  std::string created_for(const EntitySpec& entity, const std::string& record_id);
  void put_values_right();
  void put_row_right(const EntitySpec& entity, const std::string& id, const FieldSpec& field);
  void put_records_right(std::size_t line);
  bool is_living_row(const FieldSpec& field, const Json& id) const;
  // rest.cpp: letting everything come to rest, and looking at it
  void heal();
  void come_to_rest();
  void start_missing_sweeps(WallTime since);
  void settle_everything();
  void check_rest();
  void check_second_pass();
  void check_corruption();
  void check_hidden_rows();
  bool is_held(std::size_t line) const;
  void run_scans(sync::ScanState::Kind kind, bool repair);
  std::int64_t differences_found() const;
  std::vector<std::string> corrupt_something(std::int64_t& must_be_found);

  const RunOptions options_;
  Random random_;
  const Profile& profile_;
  TrueTime time_;
  SimClock legacy_clock_;
  SimClock store_clock_;
  std::vector<EntitySpec> entities_;
  std::vector<std::shared_ptr<const sync::StreamMapping>> mappings_;
  std::vector<StreamId> stream_ids_;
  Ledger ledger_;
  SimLegacy system_;
  MemoryStore store_;
  std::unique_ptr<Twin> twin_;
  Faults faults_;
  sync::StreamOptions stream_options_;
  std::unique_ptr<Judge> judge_;
  std::vector<std::unique_ptr<Process>> processes_;
  std::deque<Webhook> webhooks_;
  std::multimap<SteadyTime, std::function<void()>> late_;  // writes that their callers have given up
  std::vector<SteadyTime> flipped_at_;
  std::vector<legacy::Cursor> cursors_;  // of an earlier time
  RunReport report_;
  int depth_ = 0;
  std::int64_t uuids_ = 0;
  std::int64_t ticks_ = 0;
  bool clock_was_stepped_ = false;
};

}  // namespace banyan::simulation
