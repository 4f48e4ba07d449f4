// What a commit of the MemoryStore shows to its decide function. Everything that it returns of a link or a record is
// locked until the commit ends.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tests/simulation/memory_store.hpp"

namespace banyan::simulation {

class MemoryView final : public sync::View {
public:
  MemoryView(MemoryStore& store, StreamId stream);
  ~MemoryView() override;
  MemoryView(const MemoryView&) = delete;
  MemoryView& operator=(const MemoryView&) = delete;

  WallTime now() override;
  sync::StreamState state() override;
  std::vector<sync::LinkHead> heads(std::span<const std::string> legacy_ids) override;
  std::vector<sync::Coupling> by_legacy(std::span<const std::string> legacy_ids) override;
  std::vector<sync::Coupling> by_record(std::span<const std::string> record_ids) override;
  std::vector<std::optional<std::string>> record_ids(std::span<const sync::Reference> by_legacy_id) override;
  std::vector<std::optional<std::string>> legacy_ids(std::span<const sync::Reference> by_record_id) override;
  std::int64_t last_version(const std::string& record_id) override;
  std::vector<Record> unlinked(const Json& values, std::size_t limit) override;
  bool any_unlinked() override;
  bool any_row_unlinked() override;
  std::vector<bool> gone(std::span<const sync::Reference> by_record_id) override;
  std::optional<Edit> last_modern_edit(const std::string& record_id, const std::string& field) override;
  std::vector<sync::Intent> open_intents() override;
  std::vector<std::string> disputed_ids() override;
  std::optional<sync::Parked> parked(std::int64_t id) override;
  std::optional<NotSeen> not_seen(const LinkPart& part, std::size_t limit) override;
  std::optional<NotSeenCount> count_not_seen(const LinkPart& part) override;

private:
  sync::Coupling coupling(const std::string& legacy_id, const std::string& record_id);
  bool is_unlinked(const Record& record) const;
  bool may_be_missing(const sync::Link& link) const;

  MemoryStore& store_;
  const MemoryStore::StreamRows& rows_;
  std::vector<std::string> locked_;
};

}  // namespace banyan::simulation
