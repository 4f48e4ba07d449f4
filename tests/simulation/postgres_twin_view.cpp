#include "tests/simulation/postgres_twin_view.hpp"

#include <algorithm>

#include "tests/simulation/store_json.hpp"

namespace banyan::simulation {
namespace {

Json names_of(std::span<const std::string> ids) {
  return std::vector<std::string>(ids.begin(), ids.end());
}

Json names_of(std::span<const sync::Reference> references) {
  return as_json(std::vector<sync::Reference>(references.begin(), references.end()));
}

template <typename T>
T same(const std::string& what, T postgres, const T& memory) {
  require_same(what, as_json(postgres), as_json(memory));
  return postgres;
}

}  // namespace

WallTime PostgresTwinView::now() {
  return same("now", postgres_.now(), memory_.now());
}

sync::StreamState PostgresTwinView::state() {
  return same("state", postgres_.state(), memory_.state());
}

std::vector<sync::LinkHead> PostgresTwinView::heads(std::span<const std::string> legacy_ids) {
  return same("heads of " + names_of(legacy_ids).dump(), postgres_.heads(legacy_ids), memory_.heads(legacy_ids));
}

std::vector<sync::Coupling> PostgresTwinView::by_legacy(std::span<const std::string> legacy_ids) {
  return same("by_legacy of " + names_of(legacy_ids).dump(), postgres_.by_legacy(legacy_ids),
              memory_.by_legacy(legacy_ids));
}

std::vector<sync::Coupling> PostgresTwinView::by_record(std::span<const std::string> record_ids) {
  return same("by_record of " + names_of(record_ids).dump(), postgres_.by_record(record_ids),
              memory_.by_record(record_ids));
}

std::vector<std::optional<std::string>> PostgresTwinView::record_ids(std::span<const sync::Reference> by_legacy_id) {
  return same("record_ids of " + names_of(by_legacy_id).dump(), postgres_.record_ids(by_legacy_id),
              memory_.record_ids(by_legacy_id));
}

std::vector<std::optional<std::string>> PostgresTwinView::legacy_ids(std::span<const sync::Reference> by_record_id) {
  return same("legacy_ids of " + names_of(by_record_id).dump(), postgres_.legacy_ids(by_record_id),
              memory_.legacy_ids(by_record_id));
}

std::int64_t PostgresTwinView::last_version(const std::string& record_id) {
  return same("last_version of " + record_id, postgres_.last_version(record_id), memory_.last_version(record_id));
}

std::vector<sync::Record> PostgresTwinView::unlinked(const Json& values, std::size_t limit) {
  return same("unlinked with " + values.dump(), postgres_.unlinked(values, limit), memory_.unlinked(values, limit));
}

bool PostgresTwinView::any_unlinked() {
  return same("any_unlinked", postgres_.any_unlinked(), memory_.any_unlinked());
}

bool PostgresTwinView::any_row_unlinked() {
  return same("any_row_unlinked", postgres_.any_row_unlinked(), memory_.any_row_unlinked());
}

std::vector<bool> PostgresTwinView::gone(std::span<const sync::Reference> by_record_id) {
  return same("gone", postgres_.gone(by_record_id), memory_.gone(by_record_id));
}

std::optional<sync::View::Edit> PostgresTwinView::last_modern_edit(const std::string& record_id,
                                                                   const std::string& field) {
  return same("last_modern_edit of " + record_id + " " + field, postgres_.last_modern_edit(record_id, field),
              memory_.last_modern_edit(record_id, field));
}

std::vector<sync::Intent> PostgresTwinView::open_intents() {
  return same("open_intents", postgres_.open_intents(), memory_.open_intents());
}

// In no order.
std::vector<std::string> PostgresTwinView::disputed_ids() {
  std::vector<std::string> postgres = postgres_.disputed_ids();
  std::vector<std::string> memory = memory_.disputed_ids();
  std::sort(postgres.begin(), postgres.end());
  std::sort(memory.begin(), memory.end());
  return same("disputed_ids", std::move(postgres), memory);
}

std::optional<sync::Parked> PostgresTwinView::parked(std::int64_t id) {
  return same("parked " + std::to_string(id), postgres_.parked(id), memory_.parked(id));
}

std::optional<sync::View::NotSeen> PostgresTwinView::not_seen(const LinkPart& part, std::size_t limit) {
  return same("not_seen after " + part.after, postgres_.not_seen(part, limit), memory_.not_seen(part, limit));
}

std::optional<sync::View::NotSeenCount> PostgresTwinView::count_not_seen(const LinkPart& part) {
  return same("count_not_seen after " + part.after, postgres_.count_not_seen(part), memory_.count_not_seen(part));
}

}  // namespace banyan::simulation
