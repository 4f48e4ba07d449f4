// Records, their history, and the queues of the streams that must hear of a change.
#include "tests/simulation/memory_store.hpp"

namespace banyan::simulation {

const Record* MemoryStore::record(const std::string& id) const {
  const auto found = records_.find(id);
  return found == records_.end() ? nullptr : &found->second;
}

const std::vector<MemoryStore::HistoryRow>& MemoryStore::history(const std::string& id) const {
  static const std::vector<HistoryRow> none;
  const auto found = history_.find(id);
  return found == history_.end() ? none : found->second;
}

// Without a change it is only to be looked at again: what is there already stays as it is.
void MemoryStore::enqueue(StreamRows& rows, const std::string& record_id, std::int64_t version, std::int32_t hops,
                          std::int32_t changes) {
  auto [row, is_new] = rows.outbox.try_emplace(record_id);
  if (!is_new && changes == 0) return;
  sync::OutboxItem& item = row->second.item;
  if (is_new) {
    item.record_id = record_id;
    item.changes = 0;
    item.hops = hops;
    item.first_at = clock_.wall();
  }
  row->second.not_before = clock_.wall();
  item.attempt = 0;
  item.version = version;
  item.hops = std::min(item.hops, hops);
  item.changes += changes;
  rows.enqueued += changes;
}

void MemoryStore::write(const RecordWrite& write) {
  ++record_writes_;
  records_[write.record.id] = write.record;
  history_[write.record.id].push_back({write.record.version, clock_.wall(), write.author, write.kind, write.changed});
  for (StreamRows& rows : streams_) {
    if (rows.entity != write.record.entity || rows.state.id == write.skip_stream) continue;
    enqueue(rows, write.record.id, write.record.version, write.hops, 1);
  }
}

Result<Record> MemoryStore::write_modern(RecordWrite::Kind kind, Record record, const Json& before,
                                         const std::string& author) {
  if (locked_.contains(record.id)) return fail(ErrorCode::overloaded, "The record is being written.");
  RecordWrite write;
  write.kind = kind;
  write.record = std::move(record);
  ++write.record.version;
  write.record.updated_at = clock_.wall();
  if (kind == RecordWrite::Kind::insert) write.record.created_at = clock_.wall();
  write.changed = records::difference(before, write.record.data);
  write.author = {records::Side::modern, author};
  this->write(write);
  if (listener_ != nullptr) listener_->record_written(write);
  return write.record;
}

Result<const Record*> MemoryStore::expect(const std::string& id, std::int64_t expected) const {
  const Record* found = record(id);
  if (found == nullptr) return fail(ErrorCode::not_found, "There is no such record.");
  if (found->version != expected) return fail(ErrorCode::precondition_failed, "The record has changed since.");
  return found;
}

Result<Record> MemoryStore::create_record(const std::string& entity, const std::string& id, Json data,
                                          const std::string& author) {
  if (record(id) != nullptr) return fail(ErrorCode::conflict, "The record exists.");
  Record made;
  made.entity = entity;
  made.id = id;
  made.data = std::move(data);
  return write_modern(RecordWrite::Kind::insert, std::move(made), Json::object(), author);
}

Result<Record> MemoryStore::patch_record(const std::string& id, std::int64_t expected, const Json& patch,
                                         const std::string& author) {
  const Result<const Record*> found = expect(id, expected);
  if (!found) return tl::unexpected<Error>(found.error());
  if ((*found)->deleted) return fail(ErrorCode::gone, "The record is deleted.");
  Record changed = **found;
  changed.data.merge_patch(patch);
  return write_modern(RecordWrite::Kind::update, std::move(changed), (*found)->data, author);
}

Result<Record> MemoryStore::delete_record(const std::string& id, std::int64_t expected, const std::string& author) {
  const Result<const Record*> found = expect(id, expected);
  if (!found) return tl::unexpected<Error>(found.error());
  if ((*found)->deleted) return fail(ErrorCode::gone, "The record is deleted.");
  Record changed = **found;
  changed.deleted = true;
  return write_modern(RecordWrite::Kind::remove, changed, changed.data, author);
}

Result<Record> MemoryStore::restore_record(const std::string& id, std::int64_t expected, const std::string& author) {
  const Result<const Record*> found = expect(id, expected);
  if (!found) return tl::unexpected<Error>(found.error());
  if (!(*found)->deleted) return fail(ErrorCode::conflict, "The record is not deleted.");
  Record changed = **found;
  changed.deleted = false;
  changed.merged_into.clear();
  return write_modern(RecordWrite::Kind::restore, changed, changed.data, author);
}

}  // namespace banyan::simulation
