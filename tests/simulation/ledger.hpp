// Ledger: what people really did, kept apart from everything that the engine knows.
//
// Every edit by a person or an automation puts a token into the value that it writes ("Ada ~17~"), so a value tells
// which edit it came from, whatever was trimmed, rewritten or copied on the way. For each thing (a legacy row and its
// record) and field the ledger knows the edits, and of each edit which others its author could see: those that had been
// on that side before. So of two edits one knows the other, or they are concurrent.
//
// From that follow the rules, which need to know nothing of merging:
//   stale     the engine puts a value over one whose author had seen that very value
//   wrong     at rest: an edit that nobody overruled knows the final value, yet has lost
//   lost      at rest: an edit is not final, no later author had seen it, and it stands in no history and no conflict
//   winner    at rest: of two concurrent edits the one has won that the field's policy says must lose
//   deleted   the engine deletes what nobody had deleted
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/simulation/sim_mapping.hpp"

namespace banyan::simulation {

using EditId = std::int32_t;  // from 1; 0: no edit, the field was always empty
using ThingId = std::int32_t;

// Whether a thing lives is a field like any other.
inline const std::string kAlive = "@alive";

enum class Where : std::uint8_t { modern = 0, legacy = 1 };

struct Edit {
  EditId id = 0;
  EditId token = 0;  // the token of its value: its own, or of the value that a person chose
  Where where = Where::modern;
  bool empty = false;      // cleared the field; of kAlive: deleted
  bool may_lose = false;   // its side did not decide at that time, or it was an answer that events may overtake
  bool is_answer = false;  // a person's decision about the field
  bool in_window = false;  // overwritten where the system's interface leaves no way to notice it
  bool discarded = false;  // deleted by somebody on its own side before the other had seen it
  bool has_time = true;
  bool contested = false;  // of a delete: the other side had edits that its author could not see
  std::chrono::microseconds at{0};
  std::vector<EditId> knows;  // sorted
};

class Ledger {
public:
  using Fields = std::map<std::string, FieldSpec>;

  ThingId make_thing(const std::string& entity);
  // Two things turn out to be one (first coupling).
  void unite(ThingId a, ThingId b);
  ThingId root(ThingId thing) const;
  const std::string& entity_of(ThingId thing) const { return things_[static_cast<std::size_t>(root(thing))].entity; }

  EditId next_token() const { return static_cast<EditId>(edits_.size()); }
  // A person's or automation's edit. Its value must hold next_token(), or be empty.
  // `token`: of a value that is the same as another edit's; 0: its own.
  EditId edit(ThingId thing, const std::string& field, Where where, bool empty, std::chrono::microseconds at,
              bool may_lose, EditId token = 0);
  // The edit's row does not tell when it was made.
  void has_no_time(EditId edit) { edits_[static_cast<std::size_t>(edit)].has_time = false; }
  // The legacy row was written, by whomever.
  void touched(ThingId thing, std::chrono::microseconds at);
  // A person has decided about the thing as a whole: every edit so far may lose.
  void overruled(ThingId thing);
  // An edit whose value holds no token: of it is only known that it was made.
  void untracked_edit(ThingId thing, Where where);
  // A person answers a conflict, knowing all edits: the value with `token` shall stand.
  void answered(ThingId thing, const std::string& field, EditId token, std::chrono::microseconds at);
  // The same, when what shall stand is that there is no value.
  void answered_empty(ThingId thing, const std::string& field, std::chrono::microseconds at);
  // The engine has put a value on a side. Error: what is wrong with that.
  std::optional<std::string> engine_wrote(ThingId thing, const std::string& field, Where where, const Json& value);
  // The engine has deleted or brought back a thing on a side. Error: nobody had done so on the other side.
  std::optional<std::string> engine_set_alive(ThingId thing, Where where, bool alive);
  // Edits of the legacy side that the modern side has not seen, and that stand nowhere, with their fields.
  std::vector<std::pair<std::string, EditId>> unseen_legacy_edits(ThingId thing) const;
  // The edit's value was written here by the engine, is gone again, and the engine was never told that it had arrived:
  // then it looks as if the edit and what came after it did not know of each other.
  void not_proven(EditId edit) { unproven_.insert(get(edit).token); }
  // The side has a new row for the thing, without this field: what it had before is of the row before.
  void begins_empty(ThingId thing, const std::string& field, Where where);
  void contest(EditId edit) { edits_[static_cast<std::size_t>(edit)].contested = true; }
  // The engine has overwritten or deleted this edit, and could not have known of it.
  void lost_in_window(EditId edit);
  // The value stands in a history or a parked matter.
  void note_recorded(const Json& anything);

  // The edit whose value a side has now.
  EditId current(ThingId thing, const std::string& field, Where where) const;
  bool knows(ThingId thing, const std::string& field, Where where, EditId edit) const;
  bool is_recorded(EditId edit) const { return recorded_.contains(edits_[static_cast<std::size_t>(edit)].token); }
  const Edit& get(EditId id) const { return edits_[static_cast<std::size_t>(id)]; }
  // Somebody brought a row back for which another may have been made meanwhile: then the thing is there twice.
  void may_double(ThingId thing) { doubles_.insert(thing); }
  bool doubles(ThingId thing) const;
  // From now on the side's edits that have not crossed yet may lose: it no longer decides.
  void owner_changed(const std::string& entity);

  // A thing at rest: both sides hold `value`. Error: which rule is broken.
  std::optional<std::string> check_final(ThingId thing, const FieldSpec& field, const Json& value,
                                         std::chrono::microseconds clocks_differ) const;
  std::optional<std::string> check_alive(ThingId thing, bool alive) const;

  std::int64_t window_losses() const { return window_losses_; }
  std::int64_t edit_count() const { return static_cast<std::int64_t>(edits_.size()) - 1; }

  // The token in a value; 0: none.
  static EditId token_of(const Json& value);
  // What is known of a field, for the message of a violation.
  std::string story(ThingId thing, const std::string& field) const;

private:
  struct Cell {
    std::vector<EditId> edits;
    std::vector<EditId> known[2];    // by side; sorted
    std::vector<EditId> history[2];  // by side, as values came
  };
  struct Thing {
    std::string entity;
    ThingId parent = -1;
    std::chrono::microseconds touched{0};
    std::map<std::string, Cell, std::less<>> cells;
  };
  static const Edit kNoEdit;
  Cell& cell(ThingId thing, const std::string& field);
  const Cell* find(ThingId thing, const std::string& field) const;
  EditId source_of(const Cell& cell, Where where, const Json& value) const;
  void arrive(Cell& cell, Where where, EditId edit);
  void discard(Thing& thing, Where where);
  bool has_unseen(const Thing& thing, Where where) const;
  bool was_empty_there(const Cell& cell, const Edit& won) const;
  bool was_empty_before(const Cell& cell, const Edit& won, const Edit& lost) const;
  bool dominated(const Cell& cell, EditId edit) const;
  std::optional<std::string> check_winner(const Thing& thing, const Cell& cell, const FieldSpec& field,
                                          EditId final_edit, EditId loser,
                                          std::chrono::microseconds clocks_differ) const;

  std::vector<Thing> things_;
  std::vector<Edit> edits_{kNoEdit};
  std::set<EditId> recorded_;
  std::set<ThingId> doubles_;
  std::set<EditId> unproven_;  // tokens
  std::int64_t window_losses_ = 0;
};

}  // namespace banyan::simulation
