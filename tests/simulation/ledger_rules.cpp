// The rules of the ledger at rest.
#include <algorithm>

#include "tests/simulation/ledger.hpp"

namespace banyan::simulation {
namespace {

using sync::Direction;
using sync::Policy;

bool contains(const std::vector<EditId>& sorted, EditId id) {
  return std::binary_search(sorted.begin(), sorted.end(), id);
}

}  // namespace

std::optional<std::string> Ledger::check_final(ThingId thing, const FieldSpec& field, const Json& value,
                                               std::chrono::microseconds clocks_differ) const {
  const Cell* found = find(thing, field.name);
  if (found == nullptr || found->edits.empty()) return std::nullopt;
  const EditId token = token_of(value);
  const auto is_final = [&](EditId id) { return token != 0 ? get(id).token == token : get(id).empty; };
  // Of several edits with the same value the last is meant: of the empty ones, any that nobody has overruled.
  EditId final_edit = 0;
  for (const EditId id : found->edits) {
    if (is_final(id) && (final_edit == 0 || !dominated(*found, id))) final_edit = id;
  }
  if (final_edit == 0 && token != 0) return "made up: a value that nobody wrote. " + story(thing, field.name);
  for (const EditId id : found->edits) {
    const Edit& edit = get(id);
    if (id == final_edit || is_final(id)) continue;
    const bool knows_final =
        final_edit == 0 || (contains(edit.knows, final_edit) && !unproven_.contains(get(final_edit).token));
    // A field that crosses one way does not come back when its row is made anew.
    if (knows_final && !edit.may_lose && !edit.in_window && field.direction == Direction::both) {
      return "wrong: edit " + std::to_string(id) + " knew " + std::to_string(final_edit) + ", which is final as " +
             value.dump() + ". " + story(thing, field.name);
    }
    if (final_edit != 0 && contains(get(final_edit).knows, id)) continue;
    const bool replaced_by_hand = std::any_of(found->edits.begin(), found->edits.end(), [&](EditId other) {
      return get(other).where == edit.where && other != id && contains(get(other).knows, id);
    });
    if (replaced_by_hand || dominated(*found, id) || edit.in_window || edit.discarded || edit.token != id) continue;
    if (!edit.empty && !is_recorded(id)) {
      return "lost: edit " + std::to_string(id) + " is not final, and stands nowhere. " + story(thing, field.name);
    }
    if (!knows_final) {
      if (auto wrong = check_winner(things_[static_cast<std::size_t>(root(thing))], *found, field, final_edit, id,
                                    clocks_differ))
        return *wrong + story(thing, field.name);
    }
  }
  return std::nullopt;
}

// Of two concurrent edits on both sides.
std::optional<std::string> Ledger::check_winner(const Thing& thing, const Cell& cell, const FieldSpec& field,
                                                EditId final_edit, EditId loser,
                                                std::chrono::microseconds clocks_differ) const {
  const Edit& won = get(final_edit);
  const Edit& lost = get(loser);
  const bool answered = std::any_of(cell.edits.begin(), cell.edits.end(),
                                    [&](EditId id) { return get(id).is_answer || get(id).token != id; });
  if (answered || won.where == lost.where || won.may_lose || lost.may_lose) return std::nullopt;
  if (lost.empty && (was_empty_there(cell, won) || was_empty_before(cell, won, lost))) return std::nullopt;
  const std::string pair = std::to_string(loser) + " lost against " + std::to_string(final_edit);
  if (field.direction != Direction::both) return std::nullopt;
  switch (field.policy) {
    case Policy::legacy:
      if (lost.where == Where::legacy) return "winner: legacy wins this field, yet " + pair + ". ";
      break;
    case Policy::modern:
      if (lost.where == Where::modern) return "winner: modern wins this field, yet " + pair + ". ";
      break;
    case Policy::review:
      return "winner: a person decides on this field, yet " + pair + ". ";
    case Policy::newest:
      // The stamp is the row's, not the field's: a row written since may look newer than the edit in question.
      if (!lost.has_time || !won.has_time) break;
      if (lost.at > std::max(won.at, lost.where == Where::modern ? thing.touched : won.at) + clocks_differ)
        return "winner: the newest wins this field, yet " + pair + ". ";
      break;
    case Policy::non_empty:
      if (won.empty != lost.empty && won.empty) return "winner: the value wins over none, yet " + pair + ". ";
      break;
  }
  return std::nullopt;
}

// Whether the winner's side had no value before it either: none but such as came and went before the other side saw
// any of them.
bool Ledger::was_empty_there(const Cell& cell, const Edit& won) const {
  const auto& here = cell.history[static_cast<std::size_t>(won.where)];
  const auto& there = cell.history[1 - static_cast<std::size_t>(won.where)];
  const auto place = std::find(here.begin(), here.end(), won.id);
  if (place == here.end()) return false;
  const auto before = std::find_if(std::make_reverse_iterator(place), here.rend(), [&](EditId id) {
    return get(id).empty || std::find(there.begin(), there.end(), id) != there.end();
  });
  return before == here.rend() || get(*before).empty;
}

// Whether the last value of the loser's side that the winner's author had seen was none.
bool Ledger::was_empty_before(const Cell& cell, const Edit& won, const Edit& lost) const {
  const auto& history = cell.history[static_cast<std::size_t>(lost.where)];
  const auto end = std::make_reverse_iterator(std::find(history.begin(), history.end(), lost.id));
  const auto seen = std::find_if(end, history.rend(), [&](EditId id) { return contains(won.knows, id); });
  return seen == history.rend() || get(*seen).empty;
}

std::optional<std::string> Ledger::check_alive(ThingId thing, bool alive) const {
  const Cell* found = find(thing, kAlive);
  if (found == nullptr) return std::nullopt;
  const auto& cells = things_[static_cast<std::size_t>(root(thing))].cells;
  bool may_be = false;
  std::string why;
  for (const EditId id : found->edits) {
    const Edit& edit = get(id);
    const bool last = !dominated(*found, id);
    if (last && edit.empty != alive) may_be = true;
    if (!last || edit.empty != alive) continue;
    why = alive ? "revived: nobody took back delete " : "deleted: nobody took back restore ";
    why += std::to_string(id) + ". ";
  }
  if (may_be || found->edits.empty()) return std::nullopt;
  // A delete yields to an edit on the other side whose author, or its own, could not see the other.
  const auto yields = [&](EditId dead) {
    if (!get(dead).empty) return false;
    if (get(dead).contested) return true;
    return std::any_of(cells.begin(), cells.end(), [&](const auto& entry) {
      return std::any_of(entry.second.edits.begin(), entry.second.edits.end(),
                         [&](EditId id) { return id > dead && get(id).where != get(dead).where; });
    });
  };
  if (alive && std::any_of(found->edits.begin(), found->edits.end(), yields)) return std::nullopt;
  return why + story(thing, kAlive);
}

}  // namespace banyan::simulation
