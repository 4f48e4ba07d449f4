// The writing half of TrytonSystem, and the descriptions of fields that it needs.
#include <algorithm>
#include <utility>

#include "adapters/legacy/tryton/tryton_system.hpp"
#include "adapters/legacy/tryton/values.hpp"

namespace banyan::legacy::tryton {
namespace {

using Kind = Failure::Kind;

tl::unexpected<Failure> fail(Kind kind, std::string message) {
  return tl::unexpected(Failure{kind, std::move(message), std::nullopt});
}

// Tryton compares a record's version with the one that the context names for it.
Json expecting(const std::string& type, const std::string& id, const std::string& version) {
  if (version.empty()) return Json::object();
  return Json{{"_timestamp", Json{{type + "," + id, version}}}};
}

bool is_true(const Json& definition, const char* name) {
  const auto found = definition.find(name);
  return found != definition.end() && found->is_boolean() && found->get<bool>();
}

// [["lead", "Lead"], ["lost", "Lost"]]; the name of a method where the choices are computed.
std::vector<std::string> choices_of(const Json& definition) {
  std::vector<std::string> choices;
  const auto selection = definition.find("selection");
  if (selection == definition.end() || !selection->is_array()) return choices;
  for (const auto& choice : *selection) {
    if (choice.is_array() && !choice.empty() && choice[0].is_string()) choices.push_back(choice[0].get<std::string>());
  }
  return choices;
}

}  // namespace

TrytonSystem::FieldForm TrytonSystem::form_of(const Json& definition) {
  FieldForm form{definition["type"].get<std::string>()};
  const auto states = definition.find("states");  // a text: {"readonly": {...}, ...}
  if (states == definition.end() || !states->is_string()) return form;
  const Json conditions = Json::parse(states->get<std::string>(), nullptr, false);
  if (conditions.is_object()) form.read_only = conditions.value("readonly", Json(false));
  return form;
}

Answer<std::vector<FieldDescription>> TrytonSystem::describe(const std::string& type, Deadline deadline) {
  const auto answer = rpc_.call(type, "fields_get", Json::array({Json::array()}), Effect::reads, deadline);
  if (!answer) return tl::unexpected(answer.error());
  if (!answer->is_object()) return fail(Kind::malformed, type + ".fields_get: expected an object");
  std::vector<FieldDescription> fields;
  std::map<std::string, FieldForm> forms;
  for (const auto& [name, definition] : answer->items()) {
    if (!definition.is_object() || !definition.contains("type") || !definition["type"].is_string()) {
      return fail(Kind::malformed, type + ".fields_get: expected a type for " + excerpt(name, 80));
    }
    const std::string& field_type = (forms[name] = form_of(definition)).type;
    fields.push_back(FieldDescription{name, field_type, is_true(definition, "required"),
                                      is_true(definition, "readonly"), choices_of(definition)});
  }
  const std::lock_guard lock(mutex_);
  field_forms_[type] = std::make_shared<const std::map<std::string, FieldForm>>(std::move(forms));
  return fields;
}

// As described last.
Answer<TrytonSystem::FieldForms> TrytonSystem::field_forms(const std::string& type, Deadline deadline) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = field_forms_.find(type);
    if (found != field_forms_.end()) return found->second;
  }
  const auto described = describe(type, deadline);
  if (!described) return tl::unexpected(described.error());
  const std::lock_guard lock(mutex_);
  return field_forms_[type];
}

Answer<Json> TrytonSystem::present_ids(const std::string& type, const std::string& id, const std::string& field,
                                       Deadline deadline) {
  if (id.empty()) return Json::array();
  auto row = read_row(type, parse_id(id).value_or(0), Json::array({field}), deadline);
  if (!row) return row;
  const auto ids = row->find(field);
  if (ids == row->end() || !ids->is_array()) {
    return fail(Kind::malformed, type + " " + id + ": expected a list in " + field);
  }
  return *ids;
}

// `id`: of the record that the fields are for; empty: a new one.
Answer<Json> TrytonSystem::typed_fields(const std::string& type, const Json& fields, const std::string& id,
                                        Deadline deadline) {
  const auto forms = field_forms(type, deadline);
  if (!forms) return tl::unexpected(forms.error());
  Json typed = Json::object();
  for (const auto& [name, value] : fields.items()) {
    const auto form = (*forms)->find(name);
    if (form == (*forms)->end()) return fail(Kind::rejected, type + " has no field " + excerpt(name, 80));
    Json present = Json::array();
    if (is_to_many(form->second.type)) {
      auto ids = present_ids(type, id, name, deadline);
      if (!ids) return ids;
      present = std::move(*ids);
    }
    auto converted = to_typed(value, form->second.type, present);
    if (!converted) return fail(Kind::rejected, type + "." + name + ": " + converted.error());
    typed[name] = std::move(*converted);
  }
  return typed;
}

Answer<bool> TrytonSystem::exists(const std::string& type, std::int64_t id, Deadline deadline) {
  const Json domain = Json::array({Json::array({"id", "=", id})});
  const auto found = rpc_.call(type, "search", Json::array({domain, 0, 1, nullptr}), Effect::reads, deadline);
  if (!found) return tl::unexpected(found.error());
  if (!found->is_array()) return fail(Kind::malformed, type + ".search: expected a list of ids");
  return !found->empty();
}

// What a write of ours has left. Nothing is said of a record that somebody else has written since: the caller would
// take that edit for its own.
Written TrytonSystem::read_back(const std::string& type, const std::string& id, Deadline deadline) {
  Written written{id, "", std::nullopt};
  const std::vector<std::string> ids{id};
  auto records = fetch(type, ids, deadline);
  if (!records || records->size() != 1 || !records->front().by_us) return written;
  written.version = records->front().version;
  written.record = std::move(records->front());
  return written;
}

Answer<Written> TrytonSystem::create(const std::string& type, const Json& fields, const CreateMark& /*mark*/,
                                     Deadline deadline) {
  const auto values = typed_fields(type, fields, "", deadline);
  if (!values) return tl::unexpected(values.error());
  const auto documents = documents_of(type, std::nullopt, *values, deadline);
  if (!documents) return tl::unexpected(documents.error());
  const Json records = Json::array({*values});
  const auto created = rpc_.call(type, "create", Json::array({records}), Effect::writes, deadline);
  if (!created) return tl::unexpected(created.error());
  if (!created->is_array() || created->size() != 1 || !(*created)[0].is_number_integer()) {
    return fail(Kind::unknown, type + ".create: expected the id of one record");
  }
  touch(type, *documents, deadline);
  return read_back(type, std::to_string((*created)[0].get<std::int64_t>()), deadline);
}

Answer<Written> TrytonSystem::update(const std::string& type, const std::string& id, const Json& fields,
                                     const Json& /*whole*/, const std::string& expected, Deadline deadline) {
  const auto number = parse_id(id);
  if (!number) return fail(Kind::missing, type + " has no record " + excerpt(id, 80));
  const auto values = typed_fields(type, fields, id, deadline);
  if (!values) return tl::unexpected(values.error());
  if (options_of(type).is_document) {
    std::vector<std::string> names;
    for (const auto& field : values->items()) names.push_back(field.key());
    const auto allowed = may_write(type, *number, names, deadline);
    if (!allowed) return tl::unexpected(allowed.error());
  }
  const auto documents = documents_of(type, number, *values, deadline);
  if (!documents) return tl::unexpected(documents.error());
  const Json ids = Json::array({*number});
  const auto answer =
      rpc_.call(type, "write", Json::array({ids, *values}), Effect::writes, deadline, expecting(type, id, expected));
  if (answer) {
    touch(type, *documents, deadline);
    return read_back(type, id, deadline);
  }
  if (answer.error().kind != Kind::rejected) return tl::unexpected(answer.error());
  // Tryton refuses values and absent records alike, in the user's language.
  const auto there = exists(type, *number, deadline);
  if (there && !*there) return fail(Kind::missing, answer.error().message);
  return tl::unexpected(answer.error());
}

Answer<void> TrytonSystem::remove(const std::string& type, const std::string& id, const std::string& expected,
                                  Deadline deadline) {
  const auto number = parse_id(id);
  if (!number) return fail(Kind::missing, type + " has no record " + excerpt(id, 80));
  // To delete what is not there is no error to Tryton.
  const auto there = exists(type, *number, deadline);
  if (!there) return tl::unexpected(there.error());
  if (!*there) return fail(Kind::missing, type + " " + id + " is not there");
  const auto documents = documents_of(type, number, Json::object(), deadline);
  if (!documents) return tl::unexpected(documents.error());
  const Json ids = Json::array({*number});
  const auto answer =
      rpc_.call(type, "delete", Json::array({ids}), Effect::writes, deadline, expecting(type, id, expected));
  if (!answer) return tl::unexpected(answer.error());
  return {};  // the document is not touched: it may be about to go as well, and must not look edited then
}

}  // namespace banyan::legacy::tryton
