// SimLegacy: a legacy system in memory with all the habits that a profile gives it, and the people who work in it.
//
// As a LegacySystem it answers at once and truthfully: delays, lost answers and refusals are the network's and live in
// sim_port.hpp. What it does to its own data (stamps set before commit, edits without stamp, values rewritten, columns
// removed) is its own. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "adapters/legacy/legacy_system.hpp"
#include "tests/simulation/ledger.hpp"
#include "tests/simulation/sim_clock.hpp"
#include "tests/simulation/sim_mapping.hpp"

namespace banyan::simulation {

using legacy::Answer;
using legacy::LegacyRecord;

struct LegacyHabits {
  legacy::Capabilities capabilities;
  bool rewrites = false;             // mail in lower case, phone numbers without blanks
  bool external_key_unique = false;  // CreateIdentity::external_key: a second create with the key is refused
  bool log_repeats = false;          // Feed::log: a record comes once per event, not once per page
};

// Ids as a system orders them: numbers by value, which for texts without leading zeros is by length and then bytes.
struct IdOrder {
  bool operator()(const std::string& a, const std::string& b) const {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  }
};

struct LegacyRow {
  std::string id;
  ThingId thing = 0;
  Json fields = Json::object();
  std::int64_t stamp_us = 0;
  std::int64_t created_us = 0;
  std::int64_t version = 1;
  bool by_us = false;
  bool created_by_us = false;
  bool deleted = false;
  std::string merged_into;
  std::string external_key;
  std::map<int, EditId> read_by;  // process -> the ledger's next token when it last read this row
  // Fields that the engine wrote, and by whose steps the value was met since; gone once a commit followed.
  std::map<std::string, std::set<std::int64_t>> unproven;
};

class SimLegacy final : public legacy::LegacySystem {
public:
  // Who is calling: set by the port before each call.
  struct Caller {
    int process = 0;
    EditId step_began = 0;  // the ledger's next token when the step began
    std::int64_t step = 0;  // its number
    EditId given_up = 0;    // of a write that arrives late: the ledger's next token when it was sent; 0: it is not late
  };

  SimLegacy(LegacyHabits habits, const std::vector<EntitySpec>& entities, SimClock& clock, Ledger& ledger);

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

  // What an adapter for a system without versions reads before it writes.
  std::optional<LegacyRecord> peek(const std::string& type, const std::string& id);
  void set_caller(Caller caller) { caller_ = caller; }
  EditId next_token() const { return ledger_.next_token(); }
  // The step has committed what it knows of the row.
  void learned(const std::string& type, const std::string& id, std::int64_t step);

  // What people and automations do. Every value that they write is an edit in the ledger; the value is made from the
  // token that it gets.
  struct UserEdit {
    std::string field;  // the entity's
    Json value;         // legacy terms; null clears
  };
  enum class Stamp : std::uint8_t { now, none };
  // `value` is asked for each field in turn.
  std::string user_create(const std::string& type, const std::vector<const FieldSpec*>& fields,
                          const std::function<Json(const FieldSpec&)>& value, bool may_lose);
  void user_edit(const std::string& type, const std::string& id, const std::vector<UserEdit>& fields, bool may_lose,
                 Stamp stamp = Stamp::now);
  void user_delete(const std::string& type, const std::string& id, bool may_lose);
  void user_restore(const std::string& type, const std::string& id, bool may_lose);
  void user_merge(const std::string& type, const std::string& loser, const std::string& winner, bool may_lose);
  // A transaction that sets its stamp now and commits later; until then nobody sees it, and the row is locked.
  void begin_late_edit(const std::string& type, const std::string& id, UserEdit edit, bool may_lose,
                       microseconds commits_in);
  void commit_late_edits(bool all);
  // A row lock: whoever wants to write the row waits for the transaction that has it.
  void unlock(const std::string& type, const std::string& id);
  // An automation that writes values anew without changing what they mean.
  void rewrite(const std::string& type, const std::string& id, const std::string& field, bool as_us);
  void remove_field(const std::string& type, const std::string& legacy_name);
  void bring_back_field(const std::string& type, const std::string& legacy_name);
  // Who asks is no longer shown any row of this type, by its id neither, and is not told why.
  void hide_rows(const std::string& type) { hidden_types_.insert(type); }
  void show_rows() { hidden_types_.clear(); }
  // A delete that leaves no trace: not in the feed, not in the history.
  void corrupt_delete(const std::string& type, const std::string& id);
  void corrupt_value(const std::string& type, const std::string& id, const std::string& legacy_name, Json value);

  struct Table {
    const EntitySpec* entity = nullptr;
    std::map<std::string, LegacyRow, IdOrder> rows;
    std::set<std::pair<std::int64_t, std::string>> by_stamp;
    std::vector<std::pair<std::int64_t, std::string>> log;      // when, id; position: index + 1
    std::vector<std::pair<std::int64_t, std::string>> deletes;  // when, id
    std::set<std::string> hidden;                               // fields that are gone for now
    std::map<std::string, microseconds> back_at;                // when a field was there again
  };
  const Table& table(const std::string& type) const { return tables_.at(type); }
  const LegacyRow* row(const std::string& type, const std::string& id) const;
  std::uint64_t engine_writes() const { return engine_writes_; }
  // A mistake of the engine that can be seen in the very call; the first one.
  const std::optional<std::string>& violation() const { return violation_; }
  // The thing of a record that is made here for the first time.
  std::function<ThingId(const std::string& record_id)> thing_of_record;

private:
  struct LateEdit {
    std::string type;
    std::string id;
    UserEdit edit;
    std::int64_t stamp_us = 0;
    bool may_lose = false;
    microseconds commits_at{0};
  };

  microseconds true_time() const { return clock_.since_start(); }
  LegacyRow* live(const std::string& type, const std::string& id);
  std::int64_t stamp(const std::string& type) const;
  std::string new_id();
  LegacyRecord shown(const std::string& type, LegacyRow& row);
  void touch(const std::string& type, LegacyRow& row, bool by_us, std::int64_t stamp_us);
  Json as_stored(const std::string& name, const Json& value) const;
  void set_field(const EntitySpec& entity, LegacyRow& row, const std::string& legacy_name, const Json& value);
  void overwrite(const std::string& type, LegacyRow& row, const Json& fields);
  bool was_hidden(const Table& table, const std::string& legacy_name) const;
  bool arrives_in_window(EditId edit) const;
  void judge_unseen(const std::string& type, const LegacyRow& row, EditId edit, const std::string& what);
  void cascade(const std::string& type, const std::string& id);
  void replaced_unproven(LegacyRow& row, const FieldSpec& field);
  void drop(const std::string& type, LegacyRow& row, const std::string& merged_into);
  void apply_late_edit(const LateEdit& late);
  void violate(const std::optional<std::string>& fault) {
    if (fault && !violation_) violation_ = fault;
  }

  LegacyHabits habits_;
  SimClock& clock_;
  Ledger& ledger_;
  std::map<std::string, Table> tables_;
  std::set<std::string> hidden_types_;
  std::vector<LateEdit> late_;
  std::int64_t last_id_ = 0;
  Caller caller_;
  std::uint64_t engine_writes_ = 0;
  std::optional<std::string> violation_;
};

}  // namespace banyan::simulation
