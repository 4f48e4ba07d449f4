// The batch: what is a repeat, what refers to what, and each row in canonical terms.
#include "adapters/sync/absorb.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "adapters/sync/absorber.hpp"

namespace banyan::sync {
namespace {

std::vector<std::string> ids_of(const std::vector<Row>& rows) {
  std::vector<std::string> ids;
  ids.reserve(rows.size());
  for (const Row& row : rows) ids.push_back(row.intake->row.id);
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

bool is_repeat_by_content(const Row& row, const LinkHead& head) {
  const Intake& intake = *row.intake;
  if (!head.quiet || intake.row.deleted || intake.confirmed || is_answer(intake)) return false;
  return row.mapped.held.empty() && row.hash == head.base_hash && same_version(intake.row, head) &&
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
  std::vector<Row> rows = newest_of_each(intakes);
  drop_repeats(rows);
  std::vector<Item> items = lock_all(std::move(rows));
  for (Item& item : items) absorb(item);
  return std::move(out_);
}

std::vector<Row> Absorber::newest_of_each(std::span<const Intake> intakes) const {
  std::unordered_map<std::string_view, std::size_t> places;
  places.reserve(intakes.size());
  std::vector<Row> rows;
  rows.reserve(intakes.size());
  for (const Intake& intake : intakes) {
    const auto [place, is_new] = places.try_emplace(intake.row.id, rows.size());
    if (is_new) rows.emplace_back();
    rows[place->second].intake = &intake;
    rows[place->second].captured = intake.captured;
  }
  return rows;
}

void Absorber::drop_repeats(std::vector<Row>& rows) {
  const std::vector<LinkHead> heads = view_.heads(ids_of(rows));
  std::vector<Row> moved;
  std::vector<const LinkHead*> moved_heads;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (is_repeat_by_version(*rows[i].intake, heads[i])) continue;
    moved.push_back(std::move(rows[i]));
    moved_heads.push_back(&heads[i]);
  }
  map_all(moved);
  rows.clear();
  for (std::size_t i = 0; i < moved.size(); ++i) {
    if (!is_repeat_by_content(moved[i], *moved_heads[i])) rows.push_back(std::move(moved[i]));
  }
}

void Absorber::map_all(std::vector<Row>& rows) {
  std::vector<Reference> references;
  for (const Row& row : rows) {
    if (!row.intake->row.deleted) context_.mapping.references(row.intake->row.fields, references);
  }
  std::sort(references.begin(), references.end());
  references.erase(std::unique(references.begin(), references.end()), references.end());
  const auto found = references.empty() ? std::vector<std::optional<std::string>>{} : view_.record_ids(references);
  const Lookup record_id_of = [&](const Reference& reference) -> std::optional<std::string> {
    const auto place = std::lower_bound(references.begin(), references.end(), reference);
    if (place == references.end() || *place != reference) return std::nullopt;
    return found[static_cast<std::size_t>(place - references.begin())];
  };
  for (Row& row : rows) {
    if (row.intake->row.deleted) continue;
    row.mapped = context_.mapping.to_modern(row.intake->row.fields, record_id_of);
    const auto given = [&](const Held& held) {
      return row.intake->corrected.contains(held.field) || contains(context_.drifted, held.field);
    };
    std::erase_if(row.mapped.held, given);
    for (const std::string& field : context_.drifted) {
      const auto value = row.mapped.fields.find(field);
      if (value == row.mapped.fields.end()) continue;
      row.drifted[field] = std::move(*value);
      row.mapped.fields.erase(value);
    }
    row.hash = records::content_hash(row.mapped.fields);
  }
}

std::vector<std::string> Absorber::differing(std::span<const Intake> intakes) {
  std::vector<Row> rows = newest_of_each(intakes);
  const std::vector<LinkHead> heads = view_.heads(ids_of(rows));
  map_all(rows);
  std::vector<Row> suspects;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const bool gone = rows[i].intake->row.deleted || !rows[i].intake->row.merged_into.empty();
    const bool equal = gone ? !heads[i].has_base : heads[i].has_base && rows[i].hash == heads[i].base_hash;
    // A row without a link is one whatever holds its fields back: it may refer to itself.
    const bool judged = !heads[i].exists || (heads[i].quiet && rows[i].mapped.held.empty());
    if (!equal && judged) suspects.push_back(std::move(rows[i]));
  }
  std::vector<std::string> ids;
  const bool wanted = context_.mapping.creates() == Flow::both || context_.mapping.creates() == Flow::to_modern;
  for (const Item& item : lock_all(std::move(suspects))) {
    const Coupling& known = item.coupling;
    if (known.waiting || known.conflict || known.dead_letter || (!known.link && (!wanted || may_be_ours()))) continue;
    ids.push_back(item.intake->row.id);
  }
  return ids;
}

std::vector<Item> Absorber::lock_all(std::vector<Row> rows) {
  std::vector<Item> items;
  if (rows.empty()) return items;
  std::vector<Coupling> couplings = view_.by_legacy(ids_of(rows));
  items.reserve(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    static_cast<Row&>(items.emplace_back()) = std::move(rows[i]);
    items.back().coupling = std::move(couplings[i]);
  }
  return items;
}

}  // namespace banyan::sync
