#include "tests/simulation/memory_view.hpp"

#include <algorithm>

namespace banyan::simulation {

using sync::Parked;

MemoryView::MemoryView(MemoryStore& store, StreamId stream) : store_(store), rows_(store.stream(stream)) {}

MemoryView::~MemoryView() {
  for (const std::string& id : locked_) store_.locked_.erase(store_.locked_.find(id));
}

WallTime MemoryView::now() {
  return store_.clock_.wall();
}

sync::StreamState MemoryView::state() {
  return rows_.state;
}

std::vector<sync::LinkHead> MemoryView::heads(std::span<const std::string> legacy_ids) {
  std::vector<sync::LinkHead> heads(legacy_ids.size());
  for (std::size_t i = 0; i < legacy_ids.size(); ++i) {
    const auto found = rows_.links.find(legacy_ids[i]);
    if (found == rows_.links.end()) continue;
    const sync::Link& link = found->second;
    const bool quiet = link.base && link.held.empty() && !link.pending && !rows_.waiting.contains(legacy_ids[i]);
    heads[i] = {true, link.base.has_value(), quiet, link.base_hash, link.legacy_version};
  }
  return heads;
}

sync::Coupling MemoryView::coupling(const std::string& legacy_id, const std::string& record_id) {
  sync::Coupling known;
  known.legacy_id = legacy_id;
  if (const auto link = rows_.links.find(legacy_id); link != rows_.links.end()) known.link = link->second;
  const std::string& id = known.link ? known.link->record_id : record_id;
  if (const Record* record = store_.record(id)) {
    known.record = *record;
    locked_.push_back(id);
    store_.locked_.insert(id);
  }
  if (const auto found = rows_.waiting.find(legacy_id); found != rows_.waiting.end()) {
    known.waiting = found->second;
    known.waiting->legacy_version = rows_.inbox.at(known.waiting->inbox_id).entry.legacy_version;
  }
  if (const auto found = rows_.intents.find(id); found != rows_.intents.end()) known.intent = found->second;
  for (const auto& [number, matter] : rows_.open) {
    const bool same =
        matter.record_id.empty() ? !legacy_id.empty() && matter.legacy_id == legacy_id : matter.record_id == id;
    if (same) (matter.kind == Parked::Kind::conflict ? known.conflict : known.dead_letter) = matter;
  }
  return known;
}

std::vector<sync::Coupling> MemoryView::by_legacy(std::span<const std::string> legacy_ids) {
  std::vector<sync::Coupling> couplings;
  couplings.reserve(legacy_ids.size());
  for (const std::string& id : legacy_ids) couplings.push_back(coupling(id, {}));
  return couplings;
}

std::vector<sync::Coupling> MemoryView::by_record(std::span<const std::string> record_ids) {
  std::vector<sync::Coupling> couplings;
  couplings.reserve(record_ids.size());
  for (const std::string& id : record_ids) {
    const auto found = rows_.link_of.find(id);
    couplings.push_back(coupling(found == rows_.link_of.end() ? std::string() : found->second, id));
  }
  return couplings;
}

std::vector<std::optional<std::string>> MemoryView::record_ids(std::span<const sync::Reference> by_legacy_id) {
  std::vector<std::optional<std::string>> ids(by_legacy_id.size());
  for (std::size_t i = 0; i < by_legacy_id.size(); ++i) {
    for (const MemoryStore::StreamRows& rows : store_.streams_) {
      if (rows.system != rows_.system || rows.entity != by_legacy_id[i].entity) continue;
      std::string legacy_id = by_legacy_id[i].id;
      // Chains of merges are short; the bound only guards against a cycle.
      for (int hop = 0; hop < 32; ++hop) {
        if (const auto link = rows.links.find(legacy_id); link != rows.links.end()) ids[i] = link->second.record_id;
        const auto next = rows.redirects.find(legacy_id);
        if (next == rows.redirects.end()) break;
        legacy_id = next->second;
      }
    }
  }
  return ids;
}

// Of a record whose legacy row is gone there is no id, unless the row was merged into another.
std::vector<std::optional<std::string>> MemoryView::legacy_ids(std::span<const sync::Reference> by_record_id) {
  std::vector<std::optional<std::string>> ids(by_record_id.size());
  for (std::size_t i = 0; i < by_record_id.size(); ++i) {
    for (const MemoryStore::StreamRows& rows : store_.streams_) {
      const auto known = rows.link_of.find(by_record_id[i].id);
      const bool elsewhere = rows.system != rows_.system || rows.entity != by_record_id[i].entity;
      if (elsewhere || known == rows.link_of.end()) continue;
      std::string legacy_id = known->second;
      for (int hop = 0; hop < 32; ++hop) {
        const auto link = rows.links.find(legacy_id);
        if (link != rows.links.end() && link->second.base) ids[i] = legacy_id;
        const auto next = rows.redirects.find(legacy_id);
        if (next == rows.redirects.end()) break;
        legacy_id = next->second;
      }
    }
  }
  return ids;
}

bool MemoryView::is_unlinked(const Record& record) const {
  return record.entity == rows_.entity && !record.deleted && !rows_.link_of.contains(record.id);
}

std::int64_t MemoryView::last_version(const std::string& record_id) {
  const auto& history = store_.history(record_id);
  return history.empty() ? 0 : history.back().version;
}

std::vector<Record> MemoryView::unlinked(const Json& values, std::size_t limit) {
  std::vector<Record> found;
  for (const auto& [id, record] : store_.records_) {
    if (found.size() == limit) break;
    if (!is_unlinked(record)) continue;
    const bool same = std::all_of(values.items().begin(), values.items().end(), [&](const auto& value) {
      const auto field = record.data.find(value.key());
      return field != record.data.end() && *field == value.value();
    });
    if (same) found.push_back(record);
  }
  return found;
}

bool MemoryView::any_unlinked() {
  return std::any_of(store_.records_.begin(), store_.records_.end(),
                     [&](const auto& entry) { return is_unlinked(entry.second); });
}

bool MemoryView::any_row_unlinked() {
  const auto is_unlinked = [&](const std::string& id) { return !id.empty() && !rows_.links.contains(id); };
  return std::any_of(rows_.waiting.begin(), rows_.waiting.end(),
                     [&](const auto& entry) { return is_unlinked(entry.first); }) ||
         std::any_of(rows_.open.begin(), rows_.open.end(),
                     [&](const auto& entry) { return is_unlinked(entry.second.legacy_id); });
}

std::vector<bool> MemoryView::gone(std::span<const sync::Reference> by_record_id) {
  std::vector<bool> gone;
  for (const sync::Reference& reference : by_record_id) {
    const Record* record = store_.record(reference.id);
    gone.push_back(record == nullptr || record->entity != reference.entity || record->deleted);
  }
  return gone;
}

std::optional<sync::View::Edit> MemoryView::last_modern_edit(const std::string& record_id, const std::string& field) {
  const auto& history = store_.history(record_id);
  for (auto row = history.rbegin(); row != history.rend(); ++row) {
    if (row->author.side == records::Side::legacy && row->author.name == "system:" + rows_.system) continue;
    const auto changed = row->changed.find(field);
    if (changed == row->changed.end()) continue;
    const auto to = changed->find("to");
    return Edit{row->at, to == changed->end() ? Json() : *to};
  }
  return std::nullopt;
}

std::vector<sync::Intent> MemoryView::open_intents() {
  std::vector<sync::Intent> intents;
  for (const auto& [id, intent] : rows_.intents) intents.push_back(intent);
  return intents;
}

std::vector<std::string> MemoryView::disputed_ids() {
  std::vector<std::string> ids;
  for (const auto& [id, matter] : rows_.open) {
    if (matter.error_class != "ambiguous_create") continue;
    for (const Json& candidate : matter.legacy) ids.push_back(candidate.get<std::string>());
  }
  return ids;
}

std::optional<Parked> MemoryView::parked(std::int64_t id) {
  if (const auto found = rows_.open.find(id); found != rows_.open.end()) return found->second;
  if (const auto found = rows_.closed.find(id); found != rows_.closed.end()) return found->second;
  return std::nullopt;
}

bool MemoryView::may_be_missing(const sync::Link& link) const {
  return link.base && link.created_at < rows_.state.scan.started;
}

std::optional<sync::View::NotSeen> MemoryView::not_seen(const LinkPart& part, std::size_t limit) {
  NotSeen found;
  std::size_t looked = 0;
  for (auto link = rows_.links.upper_bound(part.after); link != rows_.links.end(); ++link) {
    const bool is_missing = may_be_missing(link->second) && !rows_.seen.contains(link->first);
    if (is_missing) found.ids.push_back(link->first);
    if (++looked < part.links && found.ids.size() < limit) continue;
    found.up_to = link->first;
    break;
  }
  return found;
}

std::optional<sync::View::NotSeenCount> MemoryView::count_not_seen(const LinkPart& part) {
  NotSeenCount found;
  std::size_t looked = 0;
  for (auto link = rows_.links.upper_bound(part.after); link != rows_.links.end(); ++link) {
    if (may_be_missing(link->second)) {
      ++found.linked;
      if (!rows_.seen.contains(link->first)) ++found.missing;
    }
    if (++looked < part.links) continue;
    found.up_to = link->first;
    break;
  }
  return found;
}

}  // namespace banyan::simulation
