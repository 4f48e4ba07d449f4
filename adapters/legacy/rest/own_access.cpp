// Records with requests of their own.
#include <utility>

#include "adapters/legacy/rest/type_access.hpp"

namespace banyan::legacy::rest {
namespace {

using Kind = Failure::Kind;

class OwnRows final : public RowSource {
public:
  OwnRows(const RestDescription& description, const RestType& type) : description_(description), type_(type) {}

  std::vector<Row> rows_of(const Json& item) const override {
    std::vector<Row> rows;
    rows.push_back(read_row(description_, type_, item));
    return rows;
  }
  const IdForm& ids() const override { return type_.id; }

private:
  const RestDescription& description_;
  const RestType& type_;
};

class OwnAccess final : public TypeAccess {
public:
  OwnAccess(Session& session, const RestDescription& description, const RestType& type)
      : session_(session), description_(description), type_(type), rows_(description, type) {}

  const RowSource& rows() const override { return rows_; }
  const RestType& listed() const override { return type_; }

  Answer<LegacyRecord> read(const std::string& id, Deadline deadline) override {
    auto current = calls(deadline).read(id);
    if (!current) return tl::unexpected(current.error());
    return std::move(current->row.record);
  }

  Answer<Written> create(const Json& fields, const CreateMark& mark, Deadline deadline) override {
    RecordCalls record_calls = calls(deadline);
    if (!type_.create) return tl::unexpected(record_calls.failure(Kind::rejected, "the description names no create"));
    Json object = Json::object();
    if (const auto put = put_fields(type_, fields, object); !put) {
      return tl::unexpected(record_calls.failure(Kind::rejected, put.error()));
    }
    const std::string id = chosen_id(type_, mark);
    if (!id.empty()) type_.id.at.put(object, id_to_wire(type_.id, id));
    if (type_.external_key) type_.external_key->at.put(object, external_key(type_, mark));
    auto written = record_calls.create(object, id);
    if (!written) return written;
    return written->record ? std::move(*written) : read_back(record_calls, written->id);
  }

  Answer<Written> update(const std::string& id, const Json& fields, const std::string& expected,
                         Deadline deadline) override {
    RecordCalls record_calls = calls(deadline);
    if (!type_.update) return tl::unexpected(record_calls.failure(Kind::rejected, "the description names no update"));
    // A version in the record travels with a partial update; anything else begins with what is there now.
    const bool blind = !type_.update->whole && (expected.empty() || type_.version.at);
    std::optional<Current> current;
    if (!blind) {
      auto read = record_calls.read(id);
      if (!read) return tl::unexpected(read.error());
      if (auto stale = compared(record_calls, *read, expected)) return tl::unexpected(*stale);
      current = std::move(*read);
    }
    Json object = type_.update->whole ? record_calls.whole_body(current->item) : Json::object();
    if (const auto put = put_fields(type_, fields, object); !put) {
      return tl::unexpected(record_calls.failure(Kind::rejected, put.error()));
    }
    const auto outcome = record_calls.update(id, std::move(object), current ? &*current : nullptr, expected);
    if (!outcome) return tl::unexpected(outcome.error());
    if (outcome->item) {
      Row row = read_row(description_, type_, *outcome->item);
      row.record.cursor = {};
      if (row.problem.empty() && row.record.id == id) return Written{id, row.record.version, std::move(row.record)};
    }
    return read_back(record_calls, id);
  }

  Answer<void> remove(const std::string& id, const std::string& expected, Deadline deadline) override {
    RecordCalls record_calls = calls(deadline);
    if (!type_.remove) return tl::unexpected(record_calls.failure(Kind::rejected, "the description names no delete"));
    if (expected.empty() && !type_.deleted) return record_calls.remove(id, nullptr);
    const auto current = record_calls.read(id);
    if (!current) return tl::unexpected(current.error());
    if (auto stale = compared(record_calls, *current, expected)) return tl::unexpected(*stale);
    return record_calls.remove(id, expected.empty() ? nullptr : &*current);
  }

private:
  RecordCalls calls(Deadline deadline) { return {session_, description_, type_, deadline}; }

  static std::optional<Failure> compared(const RecordCalls& calls, const Current& current,
                                         const std::string& expected) {
    if (expected.empty() || current.row.record.version == expected) return std::nullopt;
    return calls.failure(Kind::stale, "record " + current.row.record.id + " has moved");
  }

  // What the write left behind, as the system now shows it. The write is done whatever comes of this.
  static Written read_back(RecordCalls& calls, const std::string& id) {
    auto current = calls.read(id);
    if (!current) return {id, "", std::nullopt};
    std::string version = current->row.record.version;
    return {id, std::move(version), std::move(current->row.record)};
  }

  Session& session_;
  const RestDescription& description_;
  const RestType& type_;
  OwnRows rows_;
};

}  // namespace

std::unique_ptr<TypeAccess> own_access(Session& session, const RestDescription& description, const RestType& type) {
  return std::make_unique<OwnAccess>(session, description, type);
}

std::string chosen_id(const RestType& type, const CreateMark& mark) {
  return type.id.chosen ? type.id.chosen->fill({{"record", mark.record_id}}) : "";
}

std::string external_key(const RestType& type, const CreateMark& mark) {
  return type.external_key ? type.external_key->value.fill({{"record", mark.record_id}}) : "";
}

}  // namespace banyan::legacy::rest
