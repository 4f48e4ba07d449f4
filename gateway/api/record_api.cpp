#include "gateway/api/record_api.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "gateway/api/author.hpp"
#include "gateway/api/record_api_request.hpp"
#include "gateway/base/json_text.hpp"
#include "gateway/base/log.hpp"
#include "gateway/net/problem.hpp"

namespace banyan::api {
namespace {

using net::HttpRequest;
using net::HttpResponse;
using records::FieldFault;
using records::Json;
using records::Record;
using records::RecordError;

constexpr const char* kMergePatch = "application/merge-patch+json";

std::string time_text(WallTime time) {
  std::string out;
  append_rfc3339(out, time);
  return out;
}

std::string etag(const Record& record) {
  return "\"" + std::to_string(record.version) + "\"";
}

HttpResponse json(int status, const Json& body) {
  return {status, {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}}, body.dump()};
}

// A problem with members of its own.
HttpResponse problem(int status, std::string_view name, std::string_view detail, const Json& members = Json::object()) {
  HttpResponse response = net::problem_response(status, name, detail);
  if (members.empty()) return response;
  Json body = Json::parse(response.body);
  body.update(members);
  // What was sent is repeated in it, and may be no UTF-8.
  response.body = body.dump(-1, ' ', false, Json::error_handler_t::replace);
  return response;
}

Json faults_member(const std::vector<FieldFault>& faults) {
  Json list = Json::array();
  for (const FieldFault& fault : faults) {
    Json entry{{"field", fault.field}, {"found", fault.found}, {"expected", fault.expected}};
    if (!fault.hint.empty()) entry["hint"] = fault.hint;
    list.push_back(std::move(entry));
  }
  return {{"faults", std::move(list)}};
}

HttpResponse malformed_query(const std::vector<FieldFault>& faults) {
  return problem(400, "invalid_argument", "The query is not as it must be.", faults_member(faults));
}

HttpResponse failure(const RecordError& failed) {
  const Error& error = failed.error;
  if (!failed.faults.empty()) {
    return problem(422, "invalid_record", error.public_message, faults_member(failed.faults));
  }
  if (!error.internal_detail.empty()) {
    log::warn("records API", {{"reason", error.public_message}, {"detail", error.internal_detail}});
  }
  Json members = Json::object();
  if (failed.current && error.code == ErrorCode::gone && !failed.current->merged_into.empty()) {
    members["merged_into"] = failed.current->merged_into;
  }
  HttpResponse response = problem(http_status(error.code), to_string(error.code), error.public_message, members);
  if (failed.current) response.headers.push_back({"ETag", etag(*failed.current)});
  if (error.code == ErrorCode::overloaded) response.headers.push_back({"Retry-After", "1"});
  return response;
}

HttpResponse wrong_method(const char* allowed) {
  HttpResponse response = problem(405, "method_not_allowed", std::string("This path answers ") + allowed + " only.");
  response.headers.push_back({"Allow", allowed});
  return response;
}

HttpResponse wrong_type(const char* expected) {
  HttpResponse response =
      problem(415, "unsupported_media_type", std::string("Expected a body of type ") + expected + ".");
  response.headers.push_back({expected == kMergePatch ? "Accept-Patch" : "Accept", expected});
  return response;
}

bool is_read(const HttpRequest& request) {
  return request.method == "GET" || request.method == "HEAD";
}

// A request that takes no query parameters.
std::optional<HttpResponse> unwanted_query(const HttpRequest& request) {
  if (request.query().empty()) return std::nullopt;
  return malformed_query({{std::string(request.query()), "a query", "none on this path with this method", ""}});
}

std::string encoded(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
        c == '.') {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4U];
      out += kHex[byte & 0xFU];
    }
  }
  return out;
}

// The same request with another cursor.
std::string next_target(const HttpRequest& request, const std::string& cursor) {
  std::string target(request.path());
  char separator = '?';
  const auto parameters = query_parameters(request.query());
  if (parameters) {
    for (const auto& [name, value] : *parameters) {
      if (name == "cursor") continue;
      target += separator + encoded(name) + "=" + encoded(value);
      separator = '&';
    }
  }
  return target + separator + "cursor=" + cursor;
}

// Of a request that handle() has let through.
records::Author author(const HttpRequest& request) {
  return {records::Side::modern, author_of(request).value()};
}

}  // namespace

struct RecordApi::Target {
  std::string entity;
  std::string id;
  std::string below;  // "history"
};

RecordApi::RecordApi(records::RecordStore& store, const Clock& clock, RecordApiOptions options)
    : store_(store), clock_(clock), options_(std::move(options)) {}

HttpResponse RecordApi::handle(const HttpRequest& request) const {
  if (const auto known = author_of(request); !known) return net::problem_response(known.error());
  const auto segments = segments_below(kRecordsPrefix, request.path());
  if (!segments || segments->size() > 3) {
    return net::problem_response({ErrorCode::not_found, "There is nothing at this path.", {}});
  }
  if (segments->empty()) return is_read(request) ? entities() : wrong_method("GET, HEAD");
  Target target;
  target.entity = segments->at(0);
  if (segments->size() == 1) return collection(target, request);
  target.id = segments->at(1);
  if (segments->size() == 2) return one(target, request);
  if (segments->at(2) == "history") return is_read(request) ? history(target, request) : wrong_method("GET, HEAD");
  if (segments->at(2) == "restore") return request.method == "POST" ? restore(target, request) : wrong_method("POST");
  return net::problem_response({ErrorCode::not_found, "There is nothing at this path.", {}});
}

HttpResponse RecordApi::entities() const {
  Json list = Json::array();
  for (const records::Entity& entity : store_.ontology().entities()) {
    list.push_back({{"name", entity.name}, {"label", entity.label}, {"description", entity.description}});
  }
  return json(200, {{"entities", std::move(list)}});
}

HttpResponse RecordApi::collection(const Target& target, const HttpRequest& request) const {
  if (store_.ontology().find(target.entity) == nullptr) {
    return net::problem_response({ErrorCode::not_found, "There is no such entity.", {}});
  }
  if (is_read(request)) return list(target, request);
  return request.method == "POST" ? create(target, request) : wrong_method("GET, HEAD, POST");
}

HttpResponse RecordApi::list(const Target& target, const HttpRequest& request) const {
  const auto query = list_query(request.query());
  if (!query) return malformed_query(query.error());
  const auto page = store_.list(target.entity, *query, deadline());
  if (!page) return page.error().faults.empty() ? failure(page.error()) : malformed_query(page.error().faults);
  std::vector<std::string> ids;
  for (const Record& record : page->records) ids.push_back(record.id);
  auto links = options_.links(target.entity, ids);
  Json list = Json::array();
  for (const Record& record : page->records) list.push_back(representation(record, links[record.id]));
  HttpResponse response =
      json(200, {{"records", std::move(list)}, {"next", page->next.empty() ? Json() : Json(page->next)}});
  if (!page->next.empty()) {
    response.headers.push_back({"Link", "<" + next_target(request, page->next) + ">; rel=\"next\""});
  }
  return response;
}

HttpResponse RecordApi::create(const Target& target, const HttpRequest& request) const {
  if (auto refused = unwanted_query(request)) return *refused;
  if (!has_content_type(request, {"application/json"})) return wrong_type("application/json");
  const auto body = body_object(request, {"data", "id"});
  if (!body) return net::problem_response(body.error());
  if (!body->contains("data") || (body->contains("id") && !body->at("id").is_string())) {
    return problem(400, "invalid_argument", R"(Expected a body such as {"data": {…}}, and an "id" only as a text.)");
  }
  const auto made = store_.create(target.entity, body->at("data"), author(request), deadline(), body->value("id", ""));
  if (!made) return failure(made.error());
  HttpResponse response = answer(201, *made);
  response.headers.push_back({"Location", std::string(kRecordsPrefix) + "/" + made->entity + "/" + made->id});
  return response;
}

HttpResponse RecordApi::one(const Target& target, const HttpRequest& request) const {
  if (is_read(request)) return read(target, request);
  if (request.method == "PATCH") return patch(target, request);
  return request.method == "DELETE" ? remove(target, request) : wrong_method("GET, HEAD, PATCH, DELETE");
}

HttpResponse RecordApi::read(const Target& target, const HttpRequest& request) const {
  auto tombstones = records::RecordStore::Tombstones::refused;
  if (request.query() == "deleted=true") {
    tombstones = records::RecordStore::Tombstones::given;
  } else if (auto refused = unwanted_query(request); refused && request.query() != "deleted=false") {
    return *refused;
  }
  const auto record = store_.get(target.entity, target.id, deadline(), tombstones);
  if (!record) return failure(record.error());
  if (const auto field = request.header("If-None-Match")) {
    const EntityTags tags = entity_tags(*field);
    const auto holds = [&](const auto& versions) {
      return std::ranges::find(versions, record->version) != versions.end();
    };
    if (tags.any || holds(tags.versions) || holds(tags.weak)) return {304, {{"ETag", etag(*record)}}, ""};
  }
  return answer(200, *record);
}

records::RecordResult<std::optional<std::int64_t>> RecordApi::expected_version(const Target& target,
                                                                               std::string_view if_match,
                                                                               Deadline until) const {
  const EntityTags tags = entity_tags(if_match);
  if (tags.any) return std::optional<std::int64_t>{};
  if (tags.versions.size() == 1) return std::optional(tags.versions.front());
  // A tag that is not ours fits no version; several fit if the record's is among them.
  const auto record = store_.get(target.entity, target.id, until, records::RecordStore::Tombstones::given);
  if (!record) return tl::unexpected(record.error());
  const bool fits = std::ranges::find(tags.versions, record->version) != tags.versions.end();
  return std::optional(fits ? record->version : std::int64_t{-1});
}

HttpResponse RecordApi::patch(const Target& target, const HttpRequest& request) const {
  if (auto refused = unwanted_query(request)) return *refused;
  if (!has_content_type(request, {kMergePatch, "application/json"})) return wrong_type(kMergePatch);
  const auto if_match = request.header("If-Match");
  if (!if_match) return problem(428, "precondition_required", "If-Match is needed: the ETag of what was read, or *.");
  const auto body = body_object(request, {"data"});
  if (!body) return net::problem_response(body.error());
  if (!body->contains("data")) {
    return problem(400, "invalid_argument", R"(Expected a merge patch of the record such as {"data": {…}}.)");
  }
  const Deadline until = deadline();
  const auto expected = expected_version(target, *if_match, until);
  if (!expected) return failure(expected.error());
  const auto changed = store_.patch(target.entity, target.id, body->at("data"), *expected, author(request), until);
  return changed ? answer(200, *changed) : failure(changed.error());
}

HttpResponse RecordApi::remove(const Target& target, const HttpRequest& request) const {
  if (auto refused = unwanted_query(request)) return *refused;
  const Deadline until = deadline();
  const auto expected = expected_version(target, request.header("If-Match").value_or("*"), until);
  if (!expected) return failure(expected.error());
  const auto removed = store_.remove(target.entity, target.id, *expected, author(request), until);
  if (!removed) return failure(removed.error());
  return {204, {{"ETag", etag(*removed)}}, ""};
}

HttpResponse RecordApi::restore(const Target& target, const HttpRequest& request) const {
  if (auto refused = unwanted_query(request)) return *refused;
  const Deadline until = deadline();
  const auto expected = expected_version(target, request.header("If-Match").value_or("*"), until);
  if (!expected) return failure(expected.error());
  const auto restored = store_.restore(target.entity, target.id, *expected, author(request), until);
  if (!restored) return failure(restored.error());
  Json back = Json::array();
  Json left = Json::array();
  for (const records::Restored::Part& part : restored->parts) {
    Json named{{"entity", part.entity}, {"id", part.id}};
    if (part.left.empty()) {
      back.push_back(std::move(named));
    } else {
      named["reason"] = part.left;
      left.push_back(std::move(named));
    }
  }
  return answer(200, restored->record, {{"parts_restored", std::move(back)}, {"parts_left", std::move(left)}});
}

HttpResponse RecordApi::history(const Target& target, const HttpRequest& request) const {
  const auto query = list_query(request.query());
  if (!query) return malformed_query(query.error());
  // The cursor of a history is a version.
  const bool is_version = std::ranges::all_of(query->cursor, [](char c) { return c >= '0' && c <= '9'; });
  if (!query->filters.empty() || !query->sort.empty() || query->deleted || !is_version || query->cursor.size() > 18) {
    return malformed_query({{"", "a query of records", "limit, and as cursor the `next` of the page before", ""}});
  }
  const std::int64_t before = query->cursor.empty() ? 0 : std::stoll(query->cursor);
  const auto page = store_.history(target.entity, target.id, before, query->limit, deadline());
  if (!page) return page.error().faults.empty() ? failure(page.error()) : malformed_query(page.error().faults);
  Json list = Json::array();
  for (const records::HistoryEntry& entry : page->entries) {
    list.push_back({{"version", entry.version},
                    {"at", time_text(entry.at)},
                    {"side", entry.side},
                    {"author", entry.author},
                    {"kind", entry.kind},
                    {"changed", entry.changed}});
  }
  return json(200,
              {{"history", std::move(list)}, {"next", page->next == 0 ? Json() : Json(std::to_string(page->next))}});
}

HttpResponse RecordApi::answer(int status, const Record& record, const Json& more) const {
  auto links = options_.links(record.entity, {record.id});
  Json body = representation(record, links[record.id]);
  body.update(more);
  HttpResponse response = json(status, body);
  response.headers.push_back({"ETag", etag(record)});
  return response;
}

Json RecordApi::representation(const Record& record, const Json& links) const {
  Json out{{"id", record.id},
           {"entity", record.entity},
           {"version", record.version},
           {"data", record.data},
           {"links", links.is_array() ? links : Json::array()},
           {"created_at", time_text(record.created_at)},
           {"updated_at", time_text(record.updated_at)}};
  if (record.deleted) out["deleted"] = true;
  if (!record.merged_into.empty()) out["merged_into"] = record.merged_into;
  return out;
}

}  // namespace banyan::api
