// Absorber: absorb() at work on one batch. See absorb.hpp; nobody else includes this.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "adapters/sync/absorb.hpp"

namespace banyan::sync {

// One row of a batch. Most rows of a scan are repeats, so it is small: what is known of a row comes with Item.
struct Row {
  const Intake* intake = nullptr;
  bool captured = true;  // counts as a captured change
  Mapped mapped;
  std::int64_t hash = 0;  // of mapped.fields
  Json drifted;           // what the row shows in fields that the drifted schema holds, or null: only for the record
};

// One row on its way through.
struct Item : Row {
  bool restores = false;  // the record was deleted, and is not any more
  Coupling coupling;
};

class Absorber {
public:
  Absorber(View& view, const AbsorbContext& context);

  Absorbed run(std::span<const Intake> intakes);
  std::vector<std::string> differing(std::span<const Intake> intakes);

private:
  // The batch: what is a repeat, and what each row is in canonical terms.
  std::vector<Row> newest_of_each(std::span<const Intake> intakes) const;
  void map_all(std::vector<Row>& rows);
  void drop_repeats(std::vector<Row>& rows);
  std::vector<Item> lock_all(std::vector<Row> rows);

  // One row (absorb_record.cpp).
  void absorb(Item& item);
  void absorb_unreadable(Item& item);
  bool is_edited(const Json& base, const Json& record) const;
  void absorb_gone(Item& item);
  void absorb_gone_again(Item& item);
  void absorb_merged_away(Item& item);
  void absorb_edit(Item& item);
  void apply(Item& item, const MergeResult& merged, const std::vector<std::string>& held, std::int32_t near_misses);
  void absorb_unowned(Item& item);
  // The base after a write of ours of which the row tells that it has arrived.
  struct Agreed {
    Json base;
    bool arrived = false;
    std::int32_t near_misses = 0;  // values of ours that legacy has rewritten
    std::vector<std::string> rewritten;
  };
  Agreed agreed(const Item& item) const;
  bool has_arrived(const Item& item, const PendingWrite& write) const;
  void adopt_what_legacy_made(const Item& item, Json& base) const;
  static void take_arrived(const Agreed& now, Link& link);
  std::optional<PendingWrite> still_unanswered(const Item& item) const;
  // Fields that legacy has edited in an epoch in which it does not decide.
  std::vector<std::string> unowned_fields(const Item& item, const Agreed& now) const;
  bool shows_no_edit(const Item& item, const Json& base) const;
  static bool shows_nothing_new(const Item& item, const Json& base, const std::string& field);
  void absorb_delete_edit(Item& item);
  void restore(Item& item);
  void rebuild(Item& item);

  // First coupling (absorb_coupling.cpp).
  void couple(Item& item);
  void couple_as_answered(Item& item);
  bool may_be_ours();
  bool is_disputed(const std::string& legacy_id);
  std::optional<Record> of_the_same_id(const Item& item);
  std::vector<Record> candidates(const Item& item);
  void couple_found(Item& item, const std::string& record_id);
  void couple_created(Item& item);
  void adopt(Item& item, Record record, Json base);
  void insert(Item& item);

  // What becomes of the change, and what people have to know (absorb_ledger.cpp). `settle` gives the captured change
  // its one outcome; every path through absorb() ends in it, or in nothing where there was no change.
  void settle(const Item& item, Outcome outcome, const std::string& ref);
  // What the row counts as in the end: `in_flight` if it waits for another record.
  Outcome settle_or_wait(Item& item, Outcome outcome, const std::string& ref);
  void settle_conflict(const Item& item, const std::vector<std::string>& newly_open, Outcome outcome);
  void settle_field_matters(const Item& item, Outcome outcome);
  Outcome outcome_of(const Item& item, const MergeResult& merged, const std::vector<std::string>& open) const;
  std::vector<std::string> conflict_fields(const Item& item) const;
  static bool is_known_to_wait(const Item& item);
  bool goes_on_waiting(const Item& item) const;
  static bool is_given_up(const Item& item);
  void wait(const Item& item, std::optional<Reference> on, const std::string& reason);
  void give_up_waiting(const Item& item, const std::string& reason);
  void park(const Item& item, Parked matter, Outcome outcome);
  void close(const Parked& matter, Parked::State state);
  void close_all(const Item& item, Parked::State state);
  void note_overtaken(const Item& item);
  void note_decided(const Item& item, const FieldConflict& conflict);
  void write_record(const Item& item, RecordWrite::Kind kind, Record record, const Json& before);
  std::vector<std::string> held_fields(const Item& item) const;
  static Json as_found(const Item& item);
  Json last_found(const Item& item, const std::vector<std::string>& fields) const;
  bool answers_held_fields(const Item& item) const;
  Link link_of(const Item& item, const std::string& record_id) const;

  View& view_;
  const AbsorbContext& context_;
  StreamState state_;
  WallTime now_;
  std::string author_;
  std::set<std::string> taken_;  // record ids coupled in this batch
  std::optional<bool> any_unlinked_;
  std::optional<std::vector<Intent>> intents_;
  std::optional<std::vector<std::string>> disputed_;
  Absorbed out_;
};

}  // namespace banyan::sync
