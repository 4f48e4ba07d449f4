#include "tests/simulation/ledger.hpp"

#include <algorithm>
#include <iterator>

namespace banyan::simulation {
namespace {

bool contains(const std::vector<EditId>& sorted, EditId id) {
  return std::binary_search(sorted.begin(), sorted.end(), id);
}

void insert(std::vector<EditId>& sorted, EditId id) {
  const auto place = std::lower_bound(sorted.begin(), sorted.end(), id);
  if (place == sorted.end() || *place != id) sorted.insert(place, id);
}

void insert_all(std::vector<EditId>& sorted, const std::vector<EditId>& more) {
  std::vector<EditId> both;
  both.reserve(sorted.size() + more.size());
  std::set_union(sorted.begin(), sorted.end(), more.begin(), more.end(), std::back_inserter(both));
  sorted = std::move(both);
}

std::size_t index(Where where) {
  return static_cast<std::size_t>(where);
}

}  // namespace

EditId Ledger::token_of(const Json& value) {
  if (!value.is_string()) return 0;
  const std::string& text = value.get_ref<const std::string&>();
  // A decimal has room for digits only: 9 billion and the token.
  constexpr std::int64_t kDecimals = 9'000'000'000;
  if (text.size() >= 10 && text[0] == '9' && text.find_first_not_of("0123456789.") == std::string::npos) {
    return static_cast<EditId>(std::stoll(text) - kDecimals);
  }
  const std::size_t begin = text.find('~');
  if (begin == std::string::npos) return 0;
  EditId token = 0;
  for (std::size_t i = begin + 1; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i) {
    token = token * 10 + (text[i] - '0');
  }
  return token;
}

ThingId Ledger::make_thing(const std::string& entity) {
  things_.push_back({entity, -1, std::chrono::microseconds(0), {}});
  return static_cast<ThingId>(things_.size() - 1);
}

ThingId Ledger::root(ThingId thing) const {
  while (things_[static_cast<std::size_t>(thing)].parent >= 0) thing = things_[static_cast<std::size_t>(thing)].parent;
  return thing;
}

void Ledger::unite(ThingId a, ThingId b) {
  a = root(a);
  b = root(b);
  if (a == b) return;
  Thing& into = things_[static_cast<std::size_t>(a)];
  Thing& from = things_[static_cast<std::size_t>(b)];
  for (auto& [field, cell] : from.cells) {
    Cell& target = into.cells[field];
    target.edits.insert(target.edits.end(), cell.edits.begin(), cell.edits.end());
    for (const Where where : {Where::modern, Where::legacy}) {
      insert_all(target.known[index(where)], cell.known[index(where)]);
      auto& history = target.history[index(where)];
      history.insert(history.end(), cell.history[index(where)].begin(), cell.history[index(where)].end());
    }
  }
  from.cells.clear();
  from.parent = a;
}

Ledger::Cell& Ledger::cell(ThingId thing, const std::string& field) {
  return things_[static_cast<std::size_t>(root(thing))].cells[field];
}

const Ledger::Cell* Ledger::find(ThingId thing, const std::string& field) const {
  const auto& cells = things_[static_cast<std::size_t>(root(thing))].cells;
  const auto found = cells.find(field);
  return found == cells.end() ? nullptr : &found->second;
}

void Ledger::arrive(Cell& cell, Where where, EditId edit) {
  auto& known = cell.known[index(where)];
  insert_all(known, edits_[static_cast<std::size_t>(edit)].knows);
  insert(known, edit);
  cell.history[index(where)].push_back(edit);
}

EditId Ledger::edit(ThingId thing, const std::string& field, Where where, bool empty, std::chrono::microseconds at,
                    bool may_lose, EditId token) {
  Cell& target = cell(thing, field);
  Edit made;
  made.id = next_token();
  made.token = token == 0 ? made.id : token;
  made.where = where;
  made.empty = empty;
  made.may_lose = may_lose;
  made.at = at;
  made.knows = target.known[index(where)];
  made.contested = field == kAlive && has_unseen(things_[static_cast<std::size_t>(root(thing))], where);
  edits_.push_back(made);
  target.edits.push_back(made.id);
  if (where == Where::modern) recorded_.insert(made.token);  // the record API keeps a history
  arrive(target, where, made.id);
  if (field == kAlive && empty) discard(things_[static_cast<std::size_t>(root(thing))], where);
  return made.id;
}

const Edit Ledger::kNoEdit = [] {
  Edit none;
  none.empty = true;
  return none;
}();

void Ledger::begins_empty(ThingId thing, const std::string& field, Where where) {
  cell(thing, field).history[index(where)].push_back(0);
}

void Ledger::touched(ThingId thing, std::chrono::microseconds at) {
  things_[static_cast<std::size_t>(root(thing))].touched = at;
}

void Ledger::overruled(ThingId thing) {
  for (auto& [field, cell] : things_[static_cast<std::size_t>(root(thing))].cells) {
    for (const EditId id : cell.edits) edits_[static_cast<std::size_t>(id)].may_lose = true;
  }
}

void Ledger::untracked_edit(ThingId thing, Where where) {
  static const std::string kOther = "@other";
  cell(thing, kOther).edits.push_back(next_token());
  Edit made;
  made.id = made.token = next_token();
  made.where = where;
  edits_.push_back(made);
}

void Ledger::answered(ThingId thing, const std::string& field, EditId token, std::chrono::microseconds at) {
  Cell& target = cell(thing, field);
  Edit made;
  made.id = next_token();
  made.token = token == 0 ? made.id : token;
  made.may_lose = made.discarded = made.is_answer = true;
  made.empty = token != 0 && edits_[static_cast<std::size_t>(token)].empty;
  made.at = at;
  made.knows = target.known[0];
  insert_all(made.knows, target.known[1]);
  edits_.push_back(made);
  target.edits.push_back(made.id);
}

void Ledger::answered_empty(ThingId thing, const std::string& field, std::chrono::microseconds at) {
  answered(thing, field, 0, at);
  edits_.back().empty = true;
}

bool Ledger::doubles(ThingId thing) const {
  return std::any_of(doubles_.begin(), doubles_.end(), [&](ThingId one) { return root(one) == root(thing); });
}

EditId Ledger::source_of(const Cell& cell, Where where, const Json& value) const {
  const EditId token = token_of(value);
  for (auto id = cell.edits.rbegin(); id != cell.edits.rend(); ++id) {
    const Edit& edit = get(*id);
    if (token != 0 ? edit.token == token : (edit.empty && edit.where != where)) return *id;
  }
  return 0;
}

std::optional<std::string> Ledger::engine_wrote(ThingId thing, const std::string& field, Where where,
                                                const Json& value) {
  Cell& target = cell(thing, field);
  const EditId was = current(thing, field, where);
  const EditId comes = source_of(target, where, value);
  if (comes == 0 || comes == was) return std::nullopt;
  const bool answered = get(comes).is_answer || get(comes).token != comes;
  const bool stale = !answered && was != 0 && contains(get(was).knows, comes) && !get(was).may_lose &&
                     !get(was).in_window && !unproven_.contains(get(comes).token) && !doubles(thing);
  arrive(target, where, comes);
  if (!stale) return std::nullopt;
  return "stale: edit " + std::to_string(comes) + " was put over edit " + std::to_string(was) +
         ", whose author had seen it. " + story(thing, field);
}

// Whoever deletes gives up what the other side has not seen yet.
void Ledger::discard(Thing& thing, Where where) {
  for (auto& [field, cell] : thing.cells) {
    if (field == kAlive) continue;
    for (const EditId id : cell.edits) {
      Edit& edit = edits_[static_cast<std::size_t>(id)];
      if (edit.where == where && !contains(cell.known[1 - index(where)], id)) edit.discarded = edit.may_lose = true;
    }
  }
}

bool Ledger::has_unseen(const Thing& thing, Where where) const {
  for (const auto& [field, cell] : thing.cells) {
    for (const EditId id : cell.edits) {
      if (get(id).where != where && !contains(cell.known[index(where)], id)) return true;
    }
  }
  return false;
}

std::optional<std::string> Ledger::engine_set_alive(ThingId thing, Where where, bool alive) {
  Cell& target = cell(thing, kAlive);
  for (auto id = target.edits.rbegin(); id != target.edits.rend(); ++id) {
    if (get(*id).empty == alive || get(*id).where == where) continue;
    arrive(target, where, *id);
    if (!alive) discard(things_[static_cast<std::size_t>(root(thing))], where);
    return std::nullopt;
  }
  if (alive) return std::nullopt;
  return "deleted: the engine deleted what nobody had deleted. " + story(thing, kAlive);
}

std::vector<std::pair<std::string, EditId>> Ledger::unseen_legacy_edits(ThingId thing) const {
  std::vector<std::pair<std::string, EditId>> unseen;
  for (const auto& [field, cell] : things_[static_cast<std::size_t>(root(thing))].cells) {
    if (field == kAlive || cell.history[index(Where::legacy)].empty()) continue;
    const EditId id = cell.history[index(Where::legacy)].back();
    if (get(id).discarded || get(id).may_lose || get(id).empty || get(id).where != Where::legacy) continue;
    if (!contains(cell.known[index(Where::modern)], id) && !is_recorded(id)) unseen.emplace_back(field, id);
  }
  return unseen;
}

void Ledger::lost_in_window(EditId edit) {
  Edit& lost = edits_[static_cast<std::size_t>(edit)];
  if (!lost.in_window) ++window_losses_;
  lost.in_window = true;
}

void Ledger::note_recorded(const Json& anything) {
  if (anything.is_structured()) {
    for (const Json& inner : anything) note_recorded(inner);
  } else if (const EditId token = token_of(anything)) {
    recorded_.insert(token);
  }
}

EditId Ledger::current(ThingId thing, const std::string& field, Where where) const {
  const Cell* found = find(thing, field);
  if (found == nullptr || found->history[index(where)].empty()) return 0;
  return found->history[index(where)].back();
}

bool Ledger::knows(ThingId thing, const std::string& field, Where where, EditId edit) const {
  const Cell* found = find(thing, field);
  return found != nullptr && contains(found->known[index(where)], edit);
}

void Ledger::owner_changed(const std::string& entity) {
  for (std::size_t i = 0; i < things_.size(); ++i) {
    if (things_[i].parent >= 0 || things_[i].entity != entity) continue;
    for (auto& [field, cell] : things_[i].cells) {
      for (const EditId id : cell.edits) {
        Edit& edit = edits_[static_cast<std::size_t>(id)];
        const auto& there = cell.known[1 - index(edit.where)];
        if (!contains(there, id)) edit.may_lose = true;
      }
    }
  }
}

bool Ledger::dominated(const Cell& cell, EditId edit) const {
  return std::any_of(cell.edits.begin(), cell.edits.end(), [&](EditId other) {
    return other != edit && !get(other).may_lose && contains(get(other).knows, edit);
  });
}

std::string Ledger::story(ThingId thing, const std::string& field) const {
  std::string text = entity_of(thing) + " thing " + std::to_string(root(thing)) + " " + field + ":";
  const Cell* found = find(thing, field);
  if (found == nullptr) return text + " no edits";
  for (const EditId id : found->edits) {
    const Edit& edit = get(id);
    text += " " + std::to_string(id) + (edit.where == Where::modern ? "m" : "l");
    if (edit.token != id) text += "=" + std::to_string(edit.token);
    if (edit.empty) text += "(empty)";
    if (edit.may_lose) text += "?";
    if (edit.in_window) text += "w";
    if (is_recorded(id)) text += "r";
    text += "@" + std::to_string(edit.at.count() / 1000) + "ms";
  }
  for (const Where where : {Where::modern, Where::legacy}) {
    text += where == Where::modern ? "; modern saw" : "; legacy saw";
    for (const EditId id : found->history[index(where)]) text += " " + std::to_string(id);
  }
  return text;
}

}  // namespace banyan::simulation
