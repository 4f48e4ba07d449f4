// What tests of a SyncStore share: a world around the store, and builders with defaults.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "adapters/sync/sync_store.hpp"

namespace banyan::test {

using sync::Changes;
using sync::Coupling;
using sync::Fence;
using sync::Json;
using sync::Link;
using sync::Outcome;
using sync::Parked;
using sync::Record;
using sync::RecordWrite;
using sync::Reference;
using sync::StreamId;
using sync::View;
using sync::Waiting;

class SyncStoreWorld {
public:
  virtual ~SyncStoreWorld() = default;

  virtual sync::SyncStore& store() = 0;
  virtual Deadline soon() = 0;
  // Every lease, and every process's presence, ages by this much.
  virtual void pass(std::chrono::milliseconds span) = 0;
  // Outside of any commit, as the records API does: the record, its history and the outbox rows.
  virtual void write(const RecordWrite& write) = 0;
  // As a person answers a parked matter.
  virtual void answer(std::int64_t parked, const Json& answer, const std::string& by) = 0;
  virtual sync::Counts counts(StreamId stream, records::Side side) = 0;
  // The log, in order.
  virtual std::vector<sync::InboxEntry> inbox(StreamId stream) = 0;
};

using SyncStoreFactory = std::function<std::unique_ptr<SyncStoreWorld>()>;

class SyncStoreContract : public ::testing::TestWithParam<SyncStoreFactory> {
protected:
  SyncStoreContract() : world_(GetParam()()) {
    stream_ = open("crm", "account");
    fence_ = *take(stream_, "us");
  }

  sync::SyncStore& store() { return world_->store(); }

  StreamId open(const std::string& system, const std::string& entity) {
    return store().open_stream(system, entity, world_->soon()).value();
  }
  std::optional<Fence> take(StreamId stream, const std::string& owner) {
    return store().lease(stream, owner, std::chrono::seconds(60), world_->soon()).value();
  }

  Result<void> commit(const Fence& fence, const Changes& changes) {
    return store().commit(
        fence, [&](View&) { return changes; }, world_->soon());
  }
  void must_commit(const Fence& fence, const Changes& changes) {
    const auto done = commit(fence, changes);
    ASSERT_TRUE(done) << done.error().public_message << ": " << done.error().internal_detail;
  }
  void must_commit(const Changes& changes) { must_commit(fence_, changes); }

  // What a commit that changes nothing sees.
  template <typename Fn>
  auto look(const Fence& fence, Fn fn) {
    std::optional<std::invoke_result_t<Fn, View&>> seen;
    const auto done = store().commit(
        fence,
        [&](View& view) {
          seen = fn(view);
          return Changes{};
        },
        world_->soon());
    if (!done) throw std::runtime_error(done.error().internal_detail);
    return std::move(*seen);
  }
  template <typename Fn>
  auto look(Fn fn) {
    return look(fence_, fn);
  }
  Coupling by_legacy(const std::string& id) {
    return look([&](View& view) { return view.by_legacy(std::vector{id}).front(); });
  }
  Coupling by_record(const std::string& id) {
    return look([&](View& view) { return view.by_record(std::vector{id}).front(); });
  }
  sync::LinkHead head(const std::string& id) {
    return look([&](View& view) { return view.heads(std::vector{id}).front(); });
  }

  static std::string record_id(int number) {
    std::string digits = std::to_string(number);
    return "01900000-0000-7000-8000-" + std::string(12 - digits.size(), '0') + digits;
  }
  static WallTime at(int seconds) { return WallTime(std::chrono::seconds(1'800'000'000LL + seconds)); }

  static RecordWrite insert(int number, const std::string& name, StreamId skip = 0,
                            const std::string& entity = "account") {
    RecordWrite write;
    write.kind = RecordWrite::Kind::insert;
    write.record.entity = entity;
    write.record.id = record_id(number);
    write.record.version = 1;
    write.record.data = Json{{"name", name}};
    write.changed = records::difference(Json::object(), write.record.data);
    write.author = {records::Side::legacy, "system:crm"};
    write.skip_stream = skip;
    return write;
  }
  static RecordWrite edit(int number, std::int64_t version, const std::string& from, const std::string& to,
                          const std::string& author = "user:clara") {
    RecordWrite write = insert(number, to);
    write.kind = RecordWrite::Kind::update;
    write.record.version = version;
    write.changed = records::difference(Json{{"name", from}}, write.record.data);
    const bool ours = author.starts_with("system:");
    write.author = {ours ? records::Side::legacy : records::Side::modern, author};
    return write;
  }
  static Link link(const std::string& legacy_id, int number, const std::string& name) {
    Link link;
    link.legacy_id = legacy_id;
    link.record_id = record_id(number);
    link.base = Json{{"name", name}};
    link.base_hash = records::content_hash(*link.base);
    link.record_hash = link.base_hash;
    link.legacy_version = "v1";
    return link;
  }
  // A record that came from the legacy side, coupled.
  void couple(const std::string& legacy_id, int number, const std::string& name) {
    Changes changes;
    changes.records.push_back(insert(number, name, stream_));
    changes.links.push_back(link(legacy_id, number, name));
    must_commit(changes);
  }
  static sync::InboxEntry captured(const std::string& legacy_id, Outcome outcome) {
    return {legacy_id, "v1", sync::Via::feed, outcome, ""};
  }
  static Waiting waiting(const std::string& legacy_id, std::optional<Reference> on, int seconds) {
    Waiting row;
    row.legacy_id = legacy_id;
    row.on = std::move(on);
    row.not_before = at(seconds);
    row.attempt = 1;
    row.reason = "waits";
    return row;
  }
  Parked matter(Parked::Kind kind, const std::string& legacy_id, const std::string& id = "") {
    Parked parked;
    parked.stream = stream_;
    parked.kind = kind;
    parked.legacy_id = legacy_id;
    parked.record_id = id;
    parked.error_class = "edit_edit";
    parked.message = "Edited on both sides.";
    parked.fields = {"name"};
    parked.base = Json{{"name", "a"}};
    parked.legacy = Json{{"name", "b"}};
    parked.modern = Json{{"name", "c"}};
    parked.epoch = 1;
    parked.legacy_changes = 1;
    parked.at = at(0);
    return parked;
  }
  std::vector<sync::OutboxItem> outbox(int seconds = 1'000'000'000) {
    return store().outbox(stream_, 100, at(seconds), world_->soon()).value();
  }
  std::vector<Waiting> due(StreamId stream, int seconds) {
    return store().due(stream, 100, at(seconds), world_->soon()).value();
  }
  sync::SyncStore::Drift drift(std::size_t limit = 100, const sync::DriftScope& scope = {}) {
    return store().drift(stream_, limit, world_->soon(), scope).value();
  }

  std::unique_ptr<SyncStoreWorld> world_;
  StreamId stream_ = 0;
  Fence fence_;
};

}  // namespace banyan::test
