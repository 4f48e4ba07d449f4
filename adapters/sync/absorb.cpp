// The batch: what is a repeat, what refers to what, and each row in canonical terms.
#include "adapters/sync/absorb.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "adapters/sync/absorber.hpp"

namespace banyan::sync {
namespace {

std::vector<std::string> ids_of(const std::vector<Item>& items) {
  std::vector<std::string> ids;
  ids.reserve(items.size());
  for (const Item& item : items) ids.push_back(item.intake->row.id);
  return ids;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_answer(const Intake& intake) {
  return !intake.corrected.empty() || !intake.answer.empty();
}

bool is_scan(Via via) {
  return via == Via::scan || via == Via::verify;
}

bool same_version(const legacy::LegacyRecord& row, const LinkHead& head) {
  return row.version == head.legacy_version;
}

// Nothing to look at any further. A scan trusts no version: it is there to find edits that left no stamp.
bool is_repeat_by_version(const Intake& intake, const LinkHead& head) {
  if (!head.has_base || intake.row.deleted || intake.confirmed || intake.refused || is_answer(intake)) return false;
  const bool looks_closer = is_scan(intake.via) || intake.via == Via::retry;
  return !looks_closer && !intake.row.version.empty() && same_version(intake.row, head);
}

bool is_repeat_by_content(const Item& item, const LinkHead& head) {
  const Intake& intake = *item.intake;
  if (!head.quiet || intake.row.deleted || intake.confirmed || is_answer(intake)) return false;
  return item.mapped.held.empty() && item.hash == head.base_hash && same_version(intake.row, head) &&
         intake.row.merged_into.empty();
}

}  // namespace

Absorbed absorb(View& view, const AbsorbContext& context, std::span<const Intake> intakes) {
  return Absorber(view, context).run(intakes);
}

std::vector<std::string> differing_ids(View& view, const AbsorbContext& context, std::span<const Intake> intakes) {
  return Absorber(view, context).differing(intakes);
}

Absorber::Absorber(View& view, const AbsorbContext& context)
    : view_(view),
      context_(context),
      state_(view.state()),
      now_(view.now()),
      author_("system:" + context.mapping.system()) {}

Absorbed Absorber::run(std::span<const Intake> intakes) {
  std::vector<Item> items = newest_of_each(intakes);
  drop_repeats(items);
  lock_all(items);
  for (Item& item : items) absorb(item);
  return std::move(out_);
}

std::vector<Item> Absorber::newest_of_each(std::span<const Intake> intakes) const {
  std::unordered_map<std::string_view, std::size_t> places;
  std::vector<Item> items;
  items.reserve(intakes.size());
  for (const Intake& intake : intakes) {
    const auto [place, is_new] = places.try_emplace(intake.row.id, items.size());
    if (is_new) {
      items.emplace_back();
    }
    items[place->second].intake = &intake;
    items[place->second].captured = intake.captured;
  }
  return items;
}

void Absorber::drop_repeats(std::vector<Item>& items) {
  const std::vector<LinkHead> heads = view_.heads(ids_of(items));
  std::vector<Item> moved;
  std::vector<LinkHead> moved_heads;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (is_repeat_by_version(*items[i].intake, heads[i])) continue;
    moved.push_back(std::move(items[i]));
    moved_heads.push_back(heads[i]);
  }
  map_all(moved);
  items.clear();
  for (std::size_t i = 0; i < moved.size(); ++i) {
    if (!is_repeat_by_content(moved[i], moved_heads[i])) items.push_back(std::move(moved[i]));
  }
}

void Absorber::map_all(std::vector<Item>& items) {
  std::vector<Reference> references;
  for (const Item& item : items) {
    if (!item.intake->row.deleted) context_.mapping.references(item.intake->row.fields, references);
  }
  std::sort(references.begin(), references.end());
  references.erase(std::unique(references.begin(), references.end()), references.end());
  const auto found = references.empty() ? std::vector<std::optional<std::string>>{} : view_.record_ids(references);
  const Lookup record_id_of = [&](const Reference& reference) -> std::optional<std::string> {
    const auto place = std::lower_bound(references.begin(), references.end(), reference);
    if (place == references.end() || *place != reference) return std::nullopt;
    return found[static_cast<std::size_t>(place - references.begin())];
  };
  for (Item& item : items) {
    if (item.intake->row.deleted) continue;
    item.mapped = context_.mapping.to_modern(item.intake->row.fields, record_id_of);
    const auto given = [&](const Held& held) {
      return item.intake->corrected.contains(held.field) || contains(context_.drifted, held.field);
    };
    std::erase_if(item.mapped.held, given);
    for (const std::string& field : context_.drifted) {
      const auto value = item.mapped.fields.find(field);
      if (value == item.mapped.fields.end()) continue;
      item.drifted[field] = std::move(*value);
      item.mapped.fields.erase(value);
    }
    item.hash = records::content_hash(item.mapped.fields);
  }
}

std::vector<std::string> Absorber::differing(std::span<const Intake> intakes) {
  std::vector<Item> items = newest_of_each(intakes);
  const std::vector<LinkHead> heads = view_.heads(ids_of(items));
  map_all(items);
  std::vector<Item> suspects;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const bool gone = items[i].intake->row.deleted || !items[i].intake->row.merged_into.empty();
    const bool equal = gone ? !heads[i].has_base : heads[i].has_base && items[i].hash == heads[i].base_hash;
    // A row without a link is one whatever holds its fields back: it may refer to itself.
    const bool judged = !heads[i].exists || (heads[i].quiet && items[i].mapped.held.empty());
    if (!equal && judged) suspects.push_back(std::move(items[i]));
  }
  lock_all(suspects);
  std::vector<std::string> ids;
  const bool wanted = context_.mapping.creates() == Flow::both || context_.mapping.creates() == Flow::to_modern;
  for (const Item& item : suspects) {
    const Coupling& known = item.coupling;
    if (known.waiting || known.conflict || known.dead_letter || (!known.link && (!wanted || may_be_ours()))) continue;
    ids.push_back(item.intake->row.id);
  }
  return ids;
}

void Absorber::lock_all(std::vector<Item>& items) {
  if (items.empty()) return;
  std::vector<Coupling> couplings = view_.by_legacy(ids_of(items));
  for (std::size_t i = 0; i < items.size(); ++i) items[i].coupling = std::move(couplings[i]);
}

}  // namespace banyan::sync
