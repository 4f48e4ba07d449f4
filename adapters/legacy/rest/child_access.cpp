// Records within the records of another type: read through the parent, written through the parent.
//
// The id of a child is "<parent id>/<its own id>". Its stamp is the parent's, since an edit of the child is an edit of
// the parent. Writing one sends the parent's whole array, under the parent's precondition.
#include <algorithm>
#include <utility>

#include "adapters/legacy/rest/fields.hpp"
#include "adapters/legacy/rest/type_access.hpp"

namespace banyan::legacy::rest {
namespace {

using Kind = Failure::Kind;

class ChildRows final : public RowSource {
public:
  ChildRows(const RestDescription& description, const RestType& child, const RestType& parent)
      : description_(description), child_(child), parent_(parent) {
    ids_.number = false;
  }

  std::vector<Row> rows_of(const Json& item) const override {
    Row parent = read_row(description_, parent_, item);
    std::vector<Row> rows;
    if (!parent.problem.empty()) {
      parent.problem = "its parent: " + parent.problem;
      rows.push_back(std::move(parent));
      return rows;
    }
    const Json* children = child_.parent->items.find(item);
    if (children == nullptr || children->is_null()) return rows;
    if (!children->is_array()) {
      rows.push_back(unreadable_row(*children, found(*children) + " where a list of " + child_.name + " was expected"));
      rows.back().record.id = parent.record.id;
      return rows;
    }
    for (const Json& child : *children) rows.push_back(row_of(child, parent.record));
    return rows;
  }
  const IdForm& ids() const override { return ids_; }

  Row row_of(const Json& child, const LegacyRecord& parent) const {
    Row row = read_row(description_, child_, child);
    LegacyRecord& record = row.record;
    record.id = parent.id + "/" + record.id;
    record.stamp = parent.stamp;
    record.by_us = parent.by_us;
    record.cursor = {parent.cursor.stamp, record.id};
    if (!row.problem.empty()) return row;
    record.deleted = record.deleted || parent.deleted;
    record.fields[child_.parent->field] = id_to_wire(parent_.id, parent.id);
    record.version = content_version(record.fields);
    if (record.deleted) record.fields = Json::object();
    return row;
  }

private:
  const RestDescription& description_;
  const RestType& child_;
  const RestType& parent_;
  IdForm ids_;
};

// What a write works on: the parent, its array, and where in it the child is.
struct Nest {
  Current parent;
  Json children;
  std::size_t at = 0;
};

class ChildAccess final : public TypeAccess {
public:
  ChildAccess(Session& session, const RestDescription& description, const RestType& child, const RestType& parent)
      : session_(session),
        description_(description),
        child_(child),
        parent_(parent),
        rows_(description, child, parent) {}

  const RowSource& rows() const override { return rows_; }
  const RestType& listed() const override { return parent_; }

  Answer<LegacyRecord> read(const std::string& id, Deadline deadline) override {
    RecordCalls parents = calls(deadline);
    auto nest = open(parents, id);
    if (!nest) return tl::unexpected(nest.error());
    Row row = rows_.row_of(nest->children[nest->at], nest->parent.row.record);
    if (!row.problem.empty()) return tl::unexpected(parents.failure(Kind::malformed, id + ": " + row.problem));
    if (row.record.deleted) return tl::unexpected(parents.failure(Kind::missing, id + " is marked as deleted"));
    row.record.cursor = {};
    return std::move(row.record);
  }

  Answer<Written> create(const Json& fields, const CreateMark& mark, Deadline deadline) override {
    RecordCalls parents = calls(deadline);
    Json own = fields;
    const auto parent_field = own.find(child_.parent->field);
    const auto parent_id = parent_field == own.end() ? std::nullopt : id_from_wire(parent_.id, *parent_field);
    if (!parent_id) return tl::unexpected(parents.failure(Kind::rejected, "no parent's id in " + child_.parent->field));
    own.erase(child_.parent->field);
    auto nest = open_parent(parents, *parent_id);
    if (!nest) return tl::unexpected(nest.error());
    Json object = Json::object();
    if (const auto put = put_fields(child_, own, object); !put) {
      return tl::unexpected(parents.failure(Kind::rejected, put.error()));
    }
    const std::string chosen = chosen_id(child_, mark);
    if (!chosen.empty()) {
      child_.id.at.put(object, id_to_wire(child_.id, chosen));
      if (position_of(nest->children, chosen)) {
        return tl::unexpected(parents.failure(Kind::duplicate, *parent_id + "/" + chosen + " exists"));
      }
    }
    const Json before = nest->children;
    nest->children.push_back(std::move(object));
    if (auto failed = write(parents, *nest)) return tl::unexpected(*failed);
    const auto after = open_parent(parents, *parent_id);
    if (!after)
      return tl::unexpected(parents.failure(Kind::unknown, "written, but not to be read: " + after.error().message));
    return new_child(parents, before, *after, chosen);
  }

  Answer<Written> update(const std::string& id, const Json& fields, const std::string& expected,
                         Deadline deadline) override {
    RecordCalls parents = calls(deadline);
    auto nest = open(parents, id);
    if (!nest) return tl::unexpected(nest.error());
    if (auto stale = compared(parents, *nest, expected)) return tl::unexpected(*stale);
    Json own = fields;
    own.erase(child_.parent->field);  // a child does not change its parent
    if (const auto put = put_fields(child_, own, nest->children[nest->at]); !put) {
      return tl::unexpected(parents.failure(Kind::rejected, put.error()));
    }
    if (auto failed = write(parents, *nest)) return tl::unexpected(*failed);
    auto record = read(id, deadline);
    if (!record) return Written{id, "", std::nullopt};
    std::string version = record->version;
    return Written{id, std::move(version), std::move(*record)};
  }

  Answer<void> remove(const std::string& id, const std::string& expected, Deadline deadline) override {
    RecordCalls parents = calls(deadline);
    auto nest = open(parents, id);
    if (!nest) return tl::unexpected(nest.error());
    if (auto stale = compared(parents, *nest, expected)) return tl::unexpected(*stale);
    nest->children.erase(nest->at);
    if (auto failed = write(parents, *nest)) return tl::unexpected(*failed);
    return {};
  }

private:
  RecordCalls calls(Deadline deadline) { return {session_, description_, parent_, deadline}; }

  std::optional<std::size_t> position_of(const Json& children, const std::string& own_id) const {
    for (std::size_t i = 0; i < children.size(); ++i) {
      const Json* id = child_.id.at.find(children[i]);
      if (id != nullptr && id_from_wire(child_.id, *id) == own_id) return i;
    }
    return std::nullopt;
  }

  Answer<Nest> open_parent(RecordCalls& parents, const std::string& parent_id) const {
    auto parent = parents.read(parent_id);
    if (!parent) return tl::unexpected(parent.error());
    Nest nest{std::move(*parent), Json::array(), 0};
    const Json* children = child_.parent->items.find(nest.parent.item);
    if (children != nullptr && !children->is_null()) nest.children = *children;
    if (!nest.children.is_array()) {
      return tl::unexpected(parents.failure(Kind::malformed, "no list of " + child_.name + " in " + parent_id));
    }
    return nest;
  }

  Answer<Nest> open(RecordCalls& parents, const std::string& id) const {
    const std::size_t slash = id.find('/');
    if (slash == std::string::npos) return tl::unexpected(parents.failure(Kind::missing, "no id of a child: " + id));
    auto nest = open_parent(parents, id.substr(0, slash));
    if (!nest) return nest;
    const auto at = position_of(nest->children, id.substr(slash + 1));
    if (!at) return tl::unexpected(parents.failure(Kind::missing, "no " + child_.name + " " + id));
    nest->at = *at;
    return nest;
  }

  std::optional<Failure> compared(const RecordCalls& parents, const Nest& nest, const std::string& expected) const {
    if (expected.empty()) return std::nullopt;
    const Row row = rows_.row_of(nest.children[nest.at], nest.parent.row.record);
    if (row.problem.empty() && row.record.version == expected) return std::nullopt;
    return parents.failure(Kind::stale, child_.name + " " + row.record.id + " has moved");
  }

  std::optional<Failure> write(RecordCalls& parents, const Nest& nest) const {
    if (!parent_.update) return parents.failure(Kind::rejected, "the description names no update");
    Json object = parent_.update->whole ? parents.whole_body(nest.parent.item) : Json::object();
    if (!child_.parent->items.put(object, nest.children)) {
      return parents.failure(Kind::malformed, "no place for the list of " + child_.name);
    }
    const auto outcome = parents.update(nest.parent.row.record.id, std::move(object), &nest.parent, "");
    if (!outcome) return outcome.error();
    return std::nullopt;
  }

  // The child that is there now and was not before.
  Answer<Written> new_child(const RecordCalls& parents, const Json& before, const Nest& after,
                            const std::string& chosen) const {
    std::vector<Row> fresh;
    for (const Json& child : after.children) {
      const Json* id = child_.id.at.find(child);
      const auto own = id == nullptr ? std::nullopt : id_from_wire(child_.id, *id);
      if (!own || (chosen.empty() ? position_of(before, *own).has_value() : *own != chosen)) continue;
      fresh.push_back(rows_.row_of(child, after.parent.row.record));
    }
    if (fresh.size() != 1 || !fresh.front().problem.empty()) {
      return tl::unexpected(parents.failure(Kind::unknown, std::to_string(fresh.size()) + " new " + child_.name +
                                                               " in " + after.parent.row.record.id +
                                                               " where one was made"));
    }
    LegacyRecord& record = fresh.front().record;
    record.cursor = {};
    return Written{record.id, record.version, record};
  }

  Session& session_;
  const RestDescription& description_;
  const RestType& child_;
  const RestType& parent_;
  ChildRows rows_;
};

}  // namespace

std::unique_ptr<TypeAccess> child_access(Session& session, const RestDescription& description, const RestType& type) {
  return std::make_unique<ChildAccess>(session, description, type, *description.type(type.parent->type));
}

}  // namespace banyan::legacy::rest
