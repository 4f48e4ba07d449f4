// What decide looks at: two views that must show the same.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "adapters/sync/sync_store.hpp"

namespace banyan::simulation {

class PostgresTwinView final : public sync::View {
public:
  PostgresTwinView(sync::View& postgres, sync::View& memory) : postgres_(postgres), memory_(memory) {}

  WallTime now() override;
  sync::StreamState state() override;
  std::vector<sync::LinkHead> heads(std::span<const std::string> legacy_ids) override;
  std::vector<sync::Coupling> by_legacy(std::span<const std::string> legacy_ids) override;
  std::vector<sync::Coupling> by_record(std::span<const std::string> record_ids) override;
  std::vector<std::optional<std::string>> record_ids(std::span<const sync::Reference> by_legacy_id) override;
  std::vector<std::optional<std::string>> legacy_ids(std::span<const sync::Reference> by_record_id) override;
  std::int64_t last_version(const std::string& record_id) override;
  std::vector<sync::Record> unlinked(const sync::Json& values, std::size_t limit) override;
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
  sync::View& postgres_;
  sync::View& memory_;
};

}  // namespace banyan::simulation
