#include "adapters/legacy/rest/rest_system.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "adapters/legacy/rest/fields.hpp"
#include "adapters/legacy/rest/type_access.hpp"

namespace banyan::legacy::rest {
namespace {

using Kind = Failure::Kind;
using std::chrono::milliseconds;

constexpr std::size_t kMostFound = 10'000;  // of a search for what we created

std::string type_word(FieldForm::Type type) {
  switch (type) {
    case FieldForm::Type::any:
      return "any";
    case FieldForm::Type::text:
      return "text";
    case FieldForm::Type::integer:
      return "integer";
    case FieldForm::Type::decimal:
      return "decimal";
    case FieldForm::Type::boolean:
      return "boolean";
    case FieldForm::Type::date:
      return "date";
    case FieldForm::Type::timestamp:
      return "timestamp";
  }
  return "any";
}

const RestType& listed_type(const RestDescription& description, const RestType& type) {
  return type.parent ? *description.type(type.parent->type) : type;
}

}  // namespace

Capabilities capabilities_of(const RestDescription& description, const RestType& type) {
  const RestType& listed = listed_type(description, type);
  Capabilities out;
  out.feed = listed.changes ? legacy::Feed::poll : legacy::Feed::scan_only;
  out.ordering = Ordering::stamp;
  const bool in_feed = listed.changes && (listed.deleted || type.deleted) && !type.parent;
  out.deletes = listed.delete_log && !type.parent ? DeleteVisibility::history
                : in_feed                         ? DeleteVisibility::in_feed
                                                  : DeleteVisibility::sweep_only;
  out.compare_and_set = listed.version.none() ? CompareAndSet::none : CompareAndSet::version;
  out.create_identity = type.id.chosen && !type.parent ? CreateIdentity::chosen_id
                        : type.external_key            ? CreateIdentity::external_key
                                                       : CreateIdentity::search;
  out.sees_author = listed.author.has_value();
  out.sees_merges = type.merged_into.has_value();
  out.partial_update = true;  // a whole-object update writes back what it has read
  out.page_limit = listed.list->paging.size;
  out.fetch_limit = 1;  // fetch() makes one request for each id
  if (listed.stamp) out.stamp_precision = listed.stamp->time.precision;
  if (listed.changes) out.overlap = listed.changes->overlap;
  out.calls_per_second = description.calls_per_second;
  return out;
}

class RestSystem::Impl {
public:
  struct Type {
    const RestType* form = nullptr;
    std::unique_ptr<TypeAccess> access;
    Capabilities capabilities;
  };

  Impl(RestDescription from, const Clock& clock_in)
      : description(std::move(from)), clock(clock_in), session(description, clock_in) {
    for (const RestType& type : description.types) {
      auto access = type.parent ? child_access(session, description, type) : own_access(session, description, type);
      types.emplace(type.name, Type{&type, std::move(access), capabilities_of(description, type)});
    }
  }

  Type* find(const std::string& name) {
    const auto found = types.find(name);
    return found == types.end() ? nullptr : &found->second;
  }

  rest::Feed feed(const Type& type, Deadline deadline) {
    return {session, description, type.access->listed(), type.access->rows(), deadline};
  }

  // All records behind a place in the feed, or all that there are, up to a bound.
  Answer<std::vector<LegacyRecord>> all_since(const std::string& name, const Type& type, WallTime since,
                                              Deadline deadline);

  RestDescription description;
  const Clock& clock;
  Session session;
  std::map<std::string, Type> types;
};

namespace {

tl::unexpected<Failure> unknown_type(const std::string& type) {
  return tl::unexpected(Failure{Kind::rejected, "the description names no type " + excerpt(type, 80), std::nullopt});
}

}  // namespace

RestSystem::RestSystem(RestDescription description, const Clock& clock)
    : impl_(std::make_unique<Impl>(std::move(description), clock)) {}

RestSystem::~RestSystem() = default;

const Capabilities& RestSystem::capabilities(const std::string& type) const {
  return impl_->types.at(type).capabilities;
}

Answer<Page> RestSystem::changes(const std::string& type, const Cursor& after, std::size_t limit, Deadline deadline) {
  const auto* known = impl_->find(type);
  if (known == nullptr) return unknown_type(type);
  return impl_->feed(*known, deadline).changes(after, limit);
}

Cursor RestSystem::rewind(const std::string& /*type*/, const Cursor& cursor, milliseconds overlap) const {
  const auto moment = moment_of_cursor(cursor.stamp);
  if (!moment) return cursor;
  return {cursor_text(*moment - overlap), ""};
}

milliseconds RestSystem::distance(const std::string& type, const Cursor& later, const Cursor& earlier) const {
  const auto to = moment_of_cursor(later.stamp);
  const auto from = moment_of_cursor(earlier.stamp);
  if (!to || !from || later == earlier) return milliseconds(0);
  const auto span = std::chrono::duration_cast<milliseconds>(*to - *from);
  if (span.count() != 0) return span;
  if (*to != *from) return milliseconds(*to > *from ? 1 : -1);
  const auto* known = impl_->find(type);
  const int order = known == nullptr || earlier.id.empty() || later.id.empty()
                        ? later.id.compare(earlier.id)
                        : compare_ids(known->access->rows().ids(), later.id, earlier.id);
  return milliseconds(order > 0 ? 1 : order < 0 ? -1 : 0);
}

Answer<Cursor> RestSystem::here(const std::string& type, Deadline deadline) {
  const auto* known = impl_->find(type);
  if (known == nullptr) return unknown_type(type);
  const auto moment = now(deadline);
  if (!moment) return tl::unexpected(moment.error());
  return Cursor{cursor_text(std::chrono::floor<std::chrono::seconds>(to_moment(*moment))), ""};
}

Answer<Page> RestSystem::scan(const std::string& type, const std::string& position, std::size_t limit,
                              Deadline deadline) {
  const auto* known = impl_->find(type);
  if (known == nullptr) return unknown_type(type);
  return impl_->feed(*known, deadline).scan(position, limit);
}

Answer<std::vector<LegacyRecord>> RestSystem::fetch(const std::string& type, std::span<const std::string> ids,
                                                    Deadline deadline) {
  const auto* known = impl_->find(type);
  if (known == nullptr) return unknown_type(type);
  std::vector<LegacyRecord> records;
  for (const std::string& id : ids) {
    auto record = known->access->read(id, deadline);
    if (record) {
      records.push_back(std::move(*record));
    } else if (record.error().kind != Kind::missing) {
      return tl::unexpected(record.error());
    }
  }
  return records;
}

Answer<Written> RestSystem::create(const std::string& type, const Json& fields, const CreateMark& mark,
                                   Deadline deadline) {
  const auto* known = impl_->find(type);
  if (known == nullptr) return unknown_type(type);
  return known->access->create(fields, mark, deadline);
}

Answer<Written> RestSystem::update(const std::string& type, const std::string& id, const Json& fields,
                                   const Json& /*whole*/, const std::string& expected, Deadline deadline) {
  const auto* known = impl_->find(type);
  if (known == nullptr) return unknown_type(type);
  return known->access->update(id, fields, expected, deadline);
}

Answer<void> RestSystem::remove(const std::string& type, const std::string& id, const std::string& expected,
                                Deadline deadline) {
  const auto* known = impl_->find(type);
  if (known == nullptr) return unknown_type(type);
  return known->access->remove(id, expected, deadline);
}

Answer<std::vector<LegacyRecord>> RestSystem::Impl::all_since(const std::string& name, const Type& type, WallTime since,
                                                              Deadline deadline) {
  const bool polls = type.capabilities.feed == legacy::Feed::poll;
  std::vector<LegacyRecord> found;
  Cursor cursor;
  // One unit earlier: the system cuts its stamps.
  if (polls) cursor.stamp = cursor_text(to_moment(since) - type.capabilities.stamp_precision);
  while (true) {
    auto page = polls ? feed(type, deadline).changes(cursor, type.capabilities.page_limit)
                      : feed(type, deadline).scan(cursor.id, type.capabilities.page_limit);
    if (!page) return tl::unexpected(page.error());
    for (LegacyRecord& record : page->records) {
      if (!record.deleted && (record.by_us || !type.capabilities.sees_author)) found.push_back(std::move(record));
    }
    if (found.size() > kMostFound) {
      return tl::unexpected(Failure{
          Kind::rejected,
          "more than " + std::to_string(kMostFound) + " records of " + name + " may be the one that was created",
          std::nullopt});
    }
    if (!page->more) return found;
    cursor = page->next;
  }
}

Answer<std::vector<LegacyRecord>> RestSystem::find(const std::string& type, const CreateMark& mark, Deadline deadline) {
  auto* known = impl_->find(type);
  if (known == nullptr) return unknown_type(type);
  const RestType& form = *known->form;
  if (known->capabilities.create_identity == CreateIdentity::chosen_id) {
    const std::string id = chosen_id(form, mark);
    return fetch(type, {&id, 1}, deadline);
  }
  std::vector<LegacyRecord> records;
  if (form.external_key) {
    const std::string key = external_key(form, mark);
    const auto items = impl_->feed(*known, deadline).find(form.external_key->query, {{"key", key}}, kMostFound);
    if (!items) return tl::unexpected(items.error());
    for (const Json& item : *items) {
      // A system that does not know the filter answers with everything.
      const Json* value = form.external_key->at.find(item);
      if (value == nullptr || scalar_text(*value) != key) continue;
      Row row = read_row(impl_->description, form, item);
      if (!row.problem.empty())
        return tl::unexpected(Failure{Kind::malformed, type + ": " + row.problem, std::nullopt});
      row.record.cursor = {};
      if (!row.record.deleted) records.push_back(std::move(row.record));
    }
    return records;
  }
  auto candidates = impl_->all_since(type, *known, mark.since, deadline);
  if (!candidates || !form.created) return candidates;
  // A record that was only changed since then has an older creation; that is known from the record as it is now.
  const WallTime earliest = mark.since - form.created->time.precision;
  for (LegacyRecord& record : *candidates) {
    const RestType& listed = known->access->listed();
    if (&listed != &form) {
      records.push_back(std::move(record));
      continue;
    }
    auto current = RecordCalls(impl_->session, impl_->description, form, deadline).read(record.id);
    if (!current && current.error().kind == Kind::missing) continue;
    if (!current) return tl::unexpected(current.error());
    const auto created = current->row.created ? to_wall(*current->row.created) : std::nullopt;
    if (!created || *created >= earliest) records.push_back(std::move(current->row.record));
  }
  return records;
}

Answer<std::vector<std::string>> RestSystem::deleted_since(const std::string& type, const Cursor& since,
                                                           Deadline deadline) {
  const auto* known = impl_->find(type);
  if (known == nullptr) return unknown_type(type);
  if (known->capabilities.deletes != DeleteVisibility::history) return std::vector<std::string>();
  return impl_->feed(*known, deadline).deleted_since(since);
}

Answer<std::vector<FieldDescription>> RestSystem::describe(const std::string& type, Deadline /*deadline*/) {
  const auto* known = impl_->find(type);
  if (known == nullptr) return unknown_type(type);
  std::vector<FieldDescription> fields;
  for (const FieldForm& field : known->form->fields) {
    fields.push_back({field.name, type_word(field.type), field.required, field.read_only, field.choices});
  }
  // Without declared fields nothing is known: what a record happens to hold is not what it may hold.
  if (!fields.empty() && known->form->parent) fields.push_back({known->form->parent->field, "any", true, true, {}});
  return fields;
}

Answer<WallTime> RestSystem::now(Deadline deadline) {
  const auto root = std::ranges::find_if(impl_->description.types, [](const RestType& type) { return !type.parent; });
  if (root == impl_->description.types.end()) return impl_->clock.wall();
  const ListOperation& list = *root->list;
  Request request;
  request.purpose = Purpose::list;
  request.method = list.request.method.empty() ? "GET" : list.request.method;
  request.target = target_of(list.request, {}, {});
  if (!list.paging.limit.empty()) add_parameter(request.target, list.paging.limit, "1");
  const auto response = impl_->session.send(request, deadline);
  if (!response) return tl::unexpected(response.error());
  if (!matches(list.empty, *response)) {
    if (auto failed = impl_->session.failure_of(request, *response, {})) return tl::unexpected(*failed);
  }
  return parse_http_date(response->header("Date")).value_or(impl_->clock.wall());
}

}  // namespace banyan::legacy::rest
