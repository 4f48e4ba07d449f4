// PostgresView: what decide sees of the store, inside the transaction of one commit. Internal to PostgresSyncStore.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "adapters/sync/sync_store.hpp"
#include "gateway/store/database.hpp"

namespace banyan::sync {

// Thrown when the fence is not the newest of its stream, or its lease has run out.
struct StaleFence {};

class PostgresView final : public View {
public:
  // Holds the lease as it is until the transaction ends. Throws StaleFence.
  PostgresView(store::Transaction& tx, const Fence& fence);

  WallTime now() override { return now_; }
  StreamState state() override;
  std::vector<LinkHead> heads(std::span<const std::string> legacy_ids) override;
  std::vector<Coupling> by_legacy(std::span<const std::string> legacy_ids) override;
  std::vector<Coupling> by_record(std::span<const std::string> record_ids) override;
  std::vector<std::optional<std::string>> record_ids(std::span<const Reference> by_legacy_id) override;
  std::vector<std::optional<std::string>> legacy_ids(std::span<const Reference> by_record_id) override;
  std::int64_t last_version(const std::string& record_id) override;
  std::vector<Record> unlinked(const Json& values, std::size_t limit) override;
  bool any_unlinked() override;
  bool any_row_unlinked() override;
  std::vector<bool> gone(std::span<const Reference> by_record_id) override;
  std::optional<Edit> last_modern_edit(const std::string& record_id, const std::string& field) override;
  std::vector<Intent> open_intents() override;
  std::vector<std::string> disputed_ids() override;
  std::optional<Parked> parked(std::int64_t id) override;
  std::optional<NotSeen> not_seen(const LinkPart& part, std::size_t limit) override;
  std::optional<NotSeenCount> count_not_seen(const LinkPart& part) override;

  // For the writer.
  StreamId stream() const { return stream_; }
  const std::string& system() const { return system_; }
  const std::string& entity() const { return entity_; }
  // Whether heads() or by_legacy() found no link of this id: nobody else can have made one since.
  bool is_known_absent(const std::string& legacy_id) const { return absent_.contains(legacy_id); }
  // The state that state() gave, or as it is.
  const StreamState& state_before();
  bool others_wait() const { return others_wait_; }

private:
  std::vector<Coupling> couple(std::vector<Coupling> couplings, const std::vector<std::string>& record_ids);
  void add_waiting(std::vector<Coupling>& couplings);
  void add_intents(std::vector<Coupling>& couplings, const std::vector<std::string>& record_ids);
  void add_parked(std::vector<Coupling>& couplings, const std::vector<std::string>& record_ids);

  store::Transaction& tx_;
  StreamId stream_;
  std::string stream_text_;
  std::string system_;
  std::string entity_;
  WallTime now_{};
  bool any_waiting_ = false;
  bool any_parked_ = false;
  bool any_intents_ = false;
  bool others_wait_ = false;  // some row of some stream waits for a record
  std::optional<StreamState> state_;
  std::unordered_set<std::string> absent_;
};

}  // namespace banyan::sync
