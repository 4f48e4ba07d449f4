#include "adapters/records/record_restore.hpp"

#include <algorithm>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <utility>

#include "adapters/records/record_rules.hpp"
#include "adapters/records/record_writer.hpp"

namespace banyan::records {
namespace {

constexpr std::size_t kAtATime = 1'000;  // read, locked and written by one statement

std::string fault_text(const FieldFault& fault) {
  return fault.field + ": " + fault.found + "; expected " + fault.expected;
}

// Parts on their way back. What one refers to may be another that is back only later, so those that cannot come yet
// wait until nothing has come back any more.
class Parts {
public:
  Parts(store::Transaction& tx, const Ontology& ontology, const Author& author, std::size_t most)
      : tx_(tx), ontology_(ontology), author_(author), most_(most) {}

  // Whether all the parts of these are within the limit.
  bool add_parts_of(const std::vector<Record>& wholes) {
    for (Referrer& part : parts_gone_with(tx_, ontology_, wholes, most_ + 1)) {
      if (!known_.emplace(part.entity, part.id).second) continue;
      waiting_.push_back({std::move(part.entity), std::move(part.id), ""});
    }
    return known_.size() <= most_;
  }

  // Tries all that wait; returns those that are back, as tombstones without data.
  std::vector<Record> revive() {
    std::vector<Restored::Part> tried = std::exchange(waiting_, {});
    std::ranges::sort(tried, {}, [](const Restored::Part& part) { return std::tie(part.entity, part.id); });
    std::vector<Record> revived;
    for (auto from = tried.begin(); from != tried.end();) {
      const auto longest = from + std::min<std::ptrdiff_t>(tried.end() - from, kAtATime);
      const auto to = std::find_if(from, longest, [&](const auto& part) { return part.entity != from->entity; });
      revive(std::span(from, to), revived);
      from = to;
    }
    return revived;
  }

  // Those that are back, then those that stay away.
  std::vector<Restored::Part> result() && {
    std::ranges::move(waiting_, std::back_inserter(back_));
    return std::move(back_);
  }

private:
  // Of one entity.
  void revive(std::span<const Restored::Part> parts, std::vector<Record>& revived) {
    const std::string& entity = parts.front().entity;
    std::vector<std::string> ids;
    for (const Restored::Part& part : parts) ids.push_back(part.id);
    std::vector<Record> found = read_records(tx_, entity, ids, Lock::update);
    std::erase_if(found, [](const Record& record) { return !record.deleted; });  // somebody was faster
    const auto faults = faults_of_references(tx_, *ontology_.find(entity), found);
    std::vector<RecordWrite> writes;
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (!faults[i].empty()) {
        waiting_.push_back({entity, found[i].id, fault_text(faults[i].front())});
        continue;
      }
      writes.push_back(revival(found[i], author_));
      back_.push_back({entity, found[i].id, ""});
      found[i].data = Json::object();
      revived.push_back(std::move(found[i]));
    }
    write_records(tx_, writes);
  }

  store::Transaction& tx_;
  const Ontology& ontology_;
  const Author& author_;
  const std::size_t most_;
  std::set<std::pair<std::string, std::string>> known_;
  std::vector<Restored::Part> waiting_;
  std::vector<Restored::Part> back_;
};

}  // namespace

RecordWrite revival(const Record& tombstone, const Author& author) {
  RecordWrite write;
  write.kind = RecordWrite::Kind::restore;
  write.record = tombstone;
  write.record.version += 1;
  write.record.deleted = false;
  write.record.merged_into.clear();
  write.changed = Json::object();
  write.author = author;
  return write;
}

std::optional<std::vector<Restored::Part>> restore_parts(store::Transaction& tx, const Ontology& ontology,
                                                         const Author& author, const Record& whole, std::size_t most) {
  Parts parts(tx, ontology, author, most);
  for (std::vector<Record> back{whole}; !back.empty(); back = parts.revive()) {
    if (!parts.add_parts_of(back)) return std::nullopt;
  }
  return std::move(parts).result();
}

}  // namespace banyan::records
