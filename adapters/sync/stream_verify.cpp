// Verify and repair: rows of the legacy side against the store, then the store against its bases.
#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "adapters/sync/scan_report.hpp"
#include "adapters/sync/stream_impl.hpp"

namespace banyan::sync {
namespace {

// How long the feed may be read for one chunk. Afterwards, or when something live comes up, the chunk is read anew.
constexpr std::chrono::milliseconds kFeedTime{200};

bool gives_way(const auto& stream, SteadyTime began) {
  if (stream.parts_.clock.now() - began >= kFeedTime) return true;
  const std::lock_guard lock(stream.mutex_);
  return !stream.observed_.empty() || stream.nudged_ || stream.poll_now_;
}

bool crosses_to_legacy(Flow flow) {
  return flow == Flow::both || flow == Flow::to_legacy;
}

Lookup lookup_in(View& view) {
  return [&view](const Reference& reference) { return view.record_ids(std::span(&reference, 1)).front(); };
}

// A row with the values that the held fields were last agreed on: what is held cannot make a difference.
Json with_held(Json fields, const Json& base, const std::vector<std::string>& held) {
  for (const std::string& field : held) {
    fields.erase(field);
    if (base.contains(field)) fields[field] = base[field];
  }
  return fields;
}

std::vector<std::string> ids_of(const std::vector<Intake>& intakes) {
  std::vector<std::string> ids;
  for (const Intake& intake : intakes) ids.push_back(intake.row.id);
  return ids;
}

// With the schema drifted, every row lacks the fields that are held, and only for that differs from what was agreed.
void drop_held(View& view, const StreamMapping& mapping, const std::vector<Intake>& intakes,
               const std::vector<std::string>& drifted, std::vector<std::string>& suspects) {
  std::map<std::string_view, const legacy::LegacyRecord*> rows;
  for (const Intake& intake : intakes) rows.emplace(intake.row.id, &intake.row);
  std::set<std::string> equal;
  for (const Coupling& known : view.by_legacy(suspects)) {
    const auto row = rows.find(known.legacy_id);
    const bool is_coupled = known.link && known.link->base;
    if (!is_coupled || row == rows.end() || row->second->deleted || !row->second->merged_into.empty()) continue;
    const Json& base = *known.link->base;
    const Mapped mapped = mapping.to_modern(row->second->fields, lookup_in(view));
    if (with_held(mapped.fields, base, drifted) == base) equal.insert(known.legacy_id);
  }
  std::erase_if(suspects, [&](const std::string& id) { return equal.contains(id); });
}

// What is shown of rows that are not as agreed: the values of the row and of the record.
void add_row_examples(View& view, const StreamMapping& mapping, const std::vector<Intake>& intakes,
                      const std::vector<std::string>& drifted, Json& report) {
  const std::vector<Coupling> known = view.by_legacy(ids_of(intakes));
  for (std::size_t i = 0; i < known.size(); ++i) {
    const legacy::LegacyRecord& row = intakes[i].row;
    const bool is_readable = !row.deleted && intakes[i].unreadable.empty();
    const bool is_here = known[i].record && !known[i].record->deleted;
    const Json modern = is_here ? known[i].record->data : Json();
    Json legacy = is_readable ? mapping.to_modern(row.fields, lookup_in(view)).fields : Json();
    if (is_readable && is_here) legacy = with_held(std::move(legacy), modern, drifted);
    if (!row.deleted && !is_readable) legacy = is_here ? mapping.project(modern) : Json::object();
    add_example(report, example_of(known[i], mapping.rules(), legacy, modern));
  }
}

// Rows whose change was taken in at once: the others wait, or have become a person's matter.
std::int64_t taken_in(const std::vector<Intake>& intakes, const Changes& changes) {
  return std::count_if(intakes.begin(), intakes.end(), [&](const Intake& intake) {
    const auto is_it = [&](const auto& other) { return other.legacy_id == intake.row.id; };
    const bool waits = std::any_of(changes.waiting.begin(), changes.waiting.end(), is_it);
    return !waits && std::none_of(changes.parked.begin(), changes.parked.end(), [&](const Parked& matter) {
      return is_it(matter) && matter.state == Parked::State::open;
    });
  });
}

// Nothing knows of it: no link, no create under way, no matter. What is in the outbox has been left out already.
bool is_lost(const Coupling& known) {
  const bool is_under_way = known.intent && known.intent->attempted;
  return !known.link && known.record && !known.record->deleted && !is_under_way;
}

}  // namespace

// A difference counts only if it survives a second reading of both sides with nothing in flight: what differs now is
// read again, after the feed has been read to its end, and compared with what has become of the store.
Task Stream::Impl::verify_rows(std::vector<Intake> intakes, ScanState next, const std::vector<std::string>& seen,
                               bool may_repair) {
  std::vector<std::string> suspects;
  if (const Task ended = differing(intakes, suspects); ended == Task::stop) return ended;
  if (!suspects.empty()) {
    const SteadyTime began = parts_.clock.now();
    next_poll_ = began;
    while (can().feed != legacy::Feed::scan_only && next_poll_ <= began) {
      const Task ended = capture_feed();
      if (ended == Task::stop) return ended;
      if (next_poll_ > began) break;  // read to its end
      // The run goes on from the chunk before, once there is nothing live to be done.
      if (ended == Task::idle || gives_way(*this, began)) return ended;
    }
    parts_.budget.spend();
    auto again = read(suspects, Via::verify, true);
    if (!again) return failed(again.error());
    intakes = std::move(*again);
    suspects.clear();
    if (const Task ended = differing(intakes, suspects); ended == Task::stop) return ended;
  }
  std::erase_if(intakes, [&](const Intake& intake) {
    return std::find(suspects.begin(), suspects.end(), intake.row.id) == suspects.end();
  });
  next.differences += static_cast<std::int64_t>(intakes.size());
  const bool repairs = next.repair && may_repair;
  const std::vector<Intake> found = repairs ? intakes : std::exchange(intakes, {});
  return take_in(intakes, [&](View& view, Changes& changes) {
    ScanState after = next;
    add_row_examples(view, parts_.mapping, found, drifted_, after.report);
    if (repairs) after.repaired += taken_in(found, changes);
    if (go_on(view, after, changes)) changes.seen = seen;
  });
}

// The rows whose record, link or base is not what it should be, leaving out what waits, is being pushed, or is a
// person's matter.
Task Stream::Impl::differing(const std::vector<Intake>& intakes, std::vector<std::string>& suspects) {
  const auto done = parts_.store.commit(
      fence_,
      [&](View& view) {
        suspects = differing_ids(view, absorb_context(), intakes);
        if (!drifted_.empty()) drop_held(view, parts_.mapping, intakes, drifted_, suspects);
        return Changes{};
      },
      commit_deadline());
  return done ? Task::done : failed(done.error());
}

// The store against its own bases, a page at a time. A record that differs without an edit in its history to show for
// it was changed behind our back: the base is the truth. One with such an edit was never pushed: it goes into the
// outbox; so does one without a link that should have one.
Task Stream::Impl::verify_store() {
  if (store_check_.run != state_.scan.started) store_check_ = {};
  store_check_.run = state_.scan.started;
  const bool looks_for_lost = options_.may_push && crosses_to_legacy(parts_.mapping.creates());
  const DriftScope scope{store_check_.after, crosses_to_legacy(parts_.mapping.deletes()), looks_for_lost};
  const auto drift = parts_.store.drift(id_, options_.page, commit_deadline(), scope);
  if (!drift) return failed(drift.error());
  StoreCheck found;
  if (!drift->record_ids.empty()) {
    const auto done = parts_.store.commit(
        fence_, [&](View& view) { return check_records(view, drift->record_ids, found); }, commit_deadline());
    if (!done) return failed(done.error());
    store_check_.after = drift->record_ids.back();
  }
  store_check_.differences += found.differences;
  store_check_.left_out += found.left_out;
  for (Json& example : found.examples) {
    if (store_check_.examples.size() < kScanExamples) store_check_.examples.push_back(std::move(example));
  }
  store_check_.ended = drift->record_ids.size() < options_.page;
  return Task::done;
}

// What repair has put right is counted in the same commit, since another look no longer finds it; the rest is put into
// `found`. A row without a link that waits, for a record or a person, may be what a record without one belongs to: none
// of those is judged then.
Changes Stream::Impl::check_records(View& view, const std::vector<std::string>& record_ids, StoreCheck& found) {
  found = {};
  Changes changes;
  StreamState state = view.state();
  if (!is_same_run(state.scan, state_.scan)) return changes;
  const std::vector<Coupling> couplings = view.by_record(record_ids);
  const bool unclear = std::any_of(couplings.begin(), couplings.end(), is_lost) && view.any_row_unlinked();
  for (const Coupling& known : couplings) {
    if (unclear && is_lost(known)) {
      ++found.left_out;
      continue;
    }
    if (!repair_record(view, known, state.scan.repair, changes)) continue;
    const bool is_here = known.record && !known.record->deleted;
    Json example = example_of(known, parts_.mapping.rules(), known.link ? *known.link->base : Json(),
                              is_here ? known.record->data : Json());
    if (!state.scan.repair) {
      ++found.differences;
      if (found.examples.size() < kScanExamples) found.examples.push_back(std::move(example));
      continue;
    }
    ++state.scan.differences;
    ++state.scan.repaired;
    add_example(state.scan.report, std::move(example));
  }
  if (state.scan.repair) changes.state = state;
  return changes;
}

// A record made anew from its base.
RecordWrite Stream::Impl::rebuilt(View& view, const Link& link) const {
  RecordWrite write;
  write.kind = RecordWrite::Kind::insert;
  write.record.entity = parts_.mapping.entity();
  write.record.id = link.record_id;
  write.record.version = view.last_version(link.record_id) + 1;
  write.record.data = *link.base;
  write.record.created_at = write.record.updated_at = view.now();
  write.changed = records::difference(Json::object(), write.record.data);
  write.author = {records::Side::legacy, "verify:" + parts_.mapping.system()};
  write.skip_stream = id_;
  return write;
}

bool Stream::Impl::repair_record(View& view, const Coupling& known, bool repair, Changes& changes) {
  if (known.conflict || known.dead_letter) return false;
  if (is_lost(known)) {  // it was to be made on the legacy side, and was forgotten
    if (repair) changes.outbox_added.push_back(known.record->id);
    return true;
  }
  if (!known.link || !known.link->base) return false;
  if (!known.record) {  // its row is lost
    if (repair) changes.records.push_back(rebuilt(view, *known.link));
    return true;
  }
  if (known.record->deleted) {  // a delete that was never pushed
    if (!crosses_to_legacy(parts_.mapping.deletes())) return false;
    if (repair) changes.outbox_added.push_back(known.record->id);
    return true;
  }
  const Json& base = *known.link->base;
  const Json& data = known.record->data;
  Json right = data;
  bool corrupt = false;
  bool unpushed = false;
  for (const FieldRule& rule : parts_.mapping.rules()) {
    const Json here = data.value(rule.field, Json());
    const Json agreed = base.value(rule.field, Json());
    if (here == agreed) continue;
    const auto edit = view.last_modern_edit(known.record->id, rule.field);
    if (edit && edit->to == here) {
      unpushed = true;
      continue;
    }
    corrupt = true;
    right.erase(rule.field);
    if (!agreed.is_null()) right[rule.field] = agreed;
  }
  if (!corrupt && !unpushed) {  // only fields that are not mapped have changed
    Link link = *known.link;
    link.record_hash = records::content_hash(data);
    changes.links.push_back(std::move(link));
    return false;
  }
  if (!repair) return true;
  if (unpushed) changes.outbox_added.push_back(known.record->id);
  if (!corrupt) return true;
  RecordWrite write;
  write.kind = RecordWrite::Kind::update;
  write.record = *known.record;
  write.record.data = right;
  write.record.version += 1;
  write.record.updated_at = view.now();
  write.changed = records::difference(data, right);
  write.author = {records::Side::legacy, "verify:" + parts_.mapping.system()};
  write.skip_stream = id_;
  changes.records.push_back(std::move(write));
  Link link = *known.link;
  link.record_hash = records::content_hash(right);
  changes.links.push_back(std::move(link));
  return true;
}

}  // namespace banyan::sync
