// What a description says about one type: its id, stamps, versions, fields and requests.
#include <algorithm>
#include <utility>

#include "adapters/legacy/rest/description_schema.hpp"
#include "gateway/base/yaml_scalars.hpp"

namespace banyan::legacy::rest::schema {
namespace {

using yaml::Node;
using yaml::Reader;

Reader<IdForm> id_form() {
  const auto check = [](const Node& node, const IdForm& id) {
    if (!id.chosen) return;
    if (id.number) entry(node, "chosen").fault("a chosen id that is a number", "form: text beside it");
    if (!id.chosen->uses("record")) entry(node, "chosen").fault("no {record}", "{record}: it makes the id unique");
  };
  return yaml::object<IdForm>("where the id is")
      .required("at", &IdForm::at, pointer())
      .optional("form", &IdForm::number, yaml::choice<bool>({{"number", true}, {"text", false}}))
      .optional("chosen", &IdForm::chosen, yaml::maybe(template_text("a text such as {record}", {"record"})))
      .check(check);
}

Reader<StampForm> stamp_form(std::string what) {
  return yaml::object<StampForm>(std::move(what))
      .required("at", &StampForm::at, pointer())
      .optional("time", &StampForm::time, time_name(false))
      .optional(
          "utc_offset", [](StampForm& out) -> std::chrono::minutes& { return out.time.utc_offset; }, utc_offset())
      .optional(
          "precision", [](StampForm& out) -> std::chrono::microseconds& { return out.time.precision; }, precision());
}

Reader<VersionForm> version_form() {
  const auto check = [](const Node& node, const VersionForm& version) {
    if (version.header.empty() == !version.at) {
      node.fault(version.at ? "both header and at" : "neither header nor at",
                 "one of them: header for one such as ETag, at for a field of the record");
    }
  };
  return yaml::object<VersionForm>("where the version is")
      .optional("header", &VersionForm::header, header_name())
      .optional("at", &VersionForm::at, yaml::maybe(pointer()))
      .optional("send", &VersionForm::send, header_name())
      .check(check);
}

Reader<ExternalKey> external_key() {
  const auto check = [](const Node& node, const ExternalKey& key) {
    if (!key.value.uses("record")) entry(node, "value").fault("no {record}", "{record}: it makes the key unique");
    const bool asks = std::ranges::any_of(key.query, [](const auto& parameter) { return parameter.value.uses("key"); });
    if (!asks) entry(node, "query").fault("no {key}", "{key} in a value");
  };
  return yaml::object<ExternalKey>("the field that holds our key")
      .required("at", &ExternalKey::at, pointer())
      .required("value", &ExternalKey::value, template_text("a text such as banyan:{record}", {"record"}))
      .required("query", &ExternalKey::query, query({"key"}))
      .check(check);
}

template <typename T>
yaml::Object<T> request(yaml::Object<T> object, Operation T::*operation, const std::vector<std::string_view>& places) {
  object
      .required(
          "path", [operation](T& out) -> Template& { return (out.*operation).path; }, path(places))
      .optional(
          "method", [operation](T& out) -> std::string& { return (out.*operation).method; }, method())
      .optional(
          "query", [operation](T& out) -> std::vector<QueryParameter>& { return (out.*operation).query; },
          query(places));
  return object;
}

template <typename T>
yaml::Object<T> answered(yaml::Object<T> object, Operation T::*operation) {
  object.optional(
      "item", [operation](T& out) -> std::optional<Pointer>& { return (out.*operation).item; }, yaml::maybe(pointer()));
  return object;
}

void need_id(const Node& node, const Operation& operation) {
  const bool in_query =
      std::ranges::any_of(operation.query, [](const auto& parameter) { return parameter.value.uses("id"); });
  if (!operation.path.uses("id") && !in_query) {
    entry(node, "path").fault("a path without {id}", "{id} in the path or the query");
  }
}

struct Get {
  Operation request;
};

Reader<std::optional<Operation>> get_operation() {
  const Reader<Get> mapping =
      answered(request(yaml::object<Get>("how one record is read"), &Get::request, {"id"}), &Get::request)
          .check([](const Node& node, const Get& get) { need_id(node, get.request); });
  return yaml::maybe(yaml::transform<Get, Operation>(mapping, [](Get get) { return std::move(get.request); }));
}

void read_id_place(const Node& node, CreateForm& out) {
  const std::string_view text = node.scalar();
  if (text == "bare" || text == "location") {
    out.id_in = text == "bare" ? CreateForm::IdIn::bare : CreateForm::IdIn::location;
  } else if (auto at = Pointer::parse(text); at && text.starts_with('/')) {
    out.id_in = CreateForm::IdIn::body;
    out.id_at = std::move(*at);
  } else {
    node.fault(node.describe(), "a JSON pointer into the answer such as /id, bare or location");
  }
}

Reader<CreateForm> create_form() {
  const Reader<CreateForm> id_place{read_id_place, "a JSON pointer into the answer such as /id, bare or location", {}};
  return answered(request(yaml::object<CreateForm>("how a record is made"), &CreateForm::request, {"id"}),
                  &CreateForm::request)
      .required(
          "id", [](CreateForm& out) -> CreateForm& { return out; }, id_place)
      .optional("duplicate", &CreateForm::duplicate, answer_rules());
}

Reader<UpdateForm> update_form() {
  const auto check = [](const Node& node, const UpdateForm& update) {
    need_id(node, update.request);
    if (!update.whole && !update.drop.empty()) {
      entry(node, "drop").fault("parts to drop", "the key left out, or whole: true beside it");
    }
  };
  return answered(request(yaml::object<UpdateForm>("how a record is changed"), &UpdateForm::request, {"id"}),
                  &UpdateForm::request)
      .optional("whole", &UpdateForm::whole, yaml::boolean())
      .optional("drop", &UpdateForm::drop, yaml::list(pointer()))
      .optional("stale", &UpdateForm::stale, answer_rules())
      .check(check);
}

Reader<Json> constants() {
  const std::string what = "a mapping from names to texts, numbers, true, false or null";
  auto read = [what](const Node& node, Json& out) {
    if (node.kind() != Node::Kind::mapping) return node.fault(node.describe(), what);
    out = Json::object();
    for (const auto& [name, value] : node.entries()) {
      if (value.kind() == Node::Kind::sequence || value.kind() == Node::Kind::mapping) {
        value.fault(value.describe(), "a single value");
        continue;
      }
      const bool literal = !value.is_quoted() && Json::accept(value.scalar());
      out[name] = value.kind() == Node::Kind::null ? Json()
                  : literal                        ? Json::parse(value.scalar())
                                                   : Json(std::string(value.scalar()));
    }
  };
  return {std::move(read), what, {"*"}};
}

Reader<DeleteForm> delete_form() {
  return request(yaml::object<DeleteForm>("how a record is deleted"), &DeleteForm::request, {"id"})
      .optional("body", &DeleteForm::body, yaml::maybe(constants()))
      .check([](const Node& node, const DeleteForm& form) { need_id(node, form.request); });
}

Reader<ParentForm> parent_form() {
  return yaml::object<ParentForm>("where the records live")
      .required("type", &ParentForm::type, yaml::text())
      .required("items", &ParentForm::items, pointer())
      .required("field", &ParentForm::field, yaml::text());
}

void check_fields(const Node& node, const RestType& type) {
  for (const auto& field : type.fields) {
    if (type.parent && field.name == type.parent->field) {
      entry(entry(node, "fields"), field.name).fault("the name of the field for the parent's id", "another name");
    }
  }
}

void check_type(const Node& node, const RestType& type) {
  check_fields(node, type);
  if (type.parent) {
    for (const std::string_view key : {"list", "get", "create", "update", "delete", "changes", "scan_after", "stamp",
                                       "version", "delete_log", "external_key"}) {
      if (const Node value = entry(node, key); value.path() != node.path()) {
        value.fault("a request or mark of its own", "the key left out: it is read and written through its parent");
      }
    }
    return;
  }
  if (!type.list) node.missing("list", "how records are listed");
  if (!type.get) node.missing("get", "how one record is read");
  if (type.changes && !type.stamp) node.missing("stamp", "where the stamp is: changes are ordered by it");
  if (type.delete_log && !type.stamp) node.missing("stamp", "how stamps are written: the log of deletes needs it");
  const bool keyed = std::ranges::any_of(type.scan_after, [](const auto& part) { return part.value.uses("id"); });
  if (!type.scan_after.empty() && !keyed) entry(node, "scan_after").fault("no {id}", "{id} in a value");
}

}  // namespace

Reader<RestType> type() {
  using yaml::maybe;
  const auto set_name = [](FieldForm& out, const std::string& name, const Node&) {
    out.name = name;
    out.at = Pointer::member(name);
  };
  return yaml::object<RestType>("a record type")
      .required("id", &RestType::id, id_form())
      .optional("stamp", &RestType::stamp, maybe(stamp_form("where the stamp of the last write is")))
      .optional("created", &RestType::created, maybe(stamp_form("where the stamp of the creation is")))
      .optional("version", &RestType::version, version_form())
      .optional("author", &RestType::author, maybe(mark("how our own writes are known")))
      .optional("deleted", &RestType::deleted, maybe(mark("how deleted records are known")))
      .optional("merged_into", &RestType::merged_into, maybe(pointer()))
      .optional("external_key", &RestType::external_key, maybe(external_key()))
      .optional("fields", &RestType::fields, yaml::named(field(), set_name))
      .optional("list", &RestType::list, maybe(list_operation()))
      .optional("changes", &RestType::changes, maybe(change_feed()))
      .optional("scan_after", &RestType::scan_after, query({"id"}))
      .optional("get", &RestType::get, get_operation())
      .optional("gone", &RestType::gone, answer_rules())
      .optional("create", &RestType::create, maybe(create_form()))
      .optional("update", &RestType::update, maybe(update_form()))
      .optional("delete", &RestType::remove, maybe(delete_form()))
      .optional("delete_log", &RestType::delete_log, maybe(delete_log()))
      .optional("parent", &RestType::parent, maybe(parent_form()))
      .optional("wrap", &RestType::wrap, pointer())
      .check(check_type);
}

}  // namespace banyan::legacy::rest::schema
