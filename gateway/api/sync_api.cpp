#include "gateway/api/sync_api.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "adapters/records/ontology.hpp"
#include "adapters/sync/scan_report.hpp"
#include "gateway/api/author.hpp"
#include "gateway/api/record_api_request.hpp"
#include "gateway/api/sync_condition.hpp"
#include "gateway/api/sync_json.hpp"

namespace banyan::api {
namespace {

using net::HttpRequest;
using net::HttpResponse;
using sync::Parked;
using sync::ParkedFilter;
using sync::ParkedReport;
using sync::ScanState;

HttpResponse json_response(int status, const Json& body) {
  const std::string text = body.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  return {status, {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}}, text};
}

HttpResponse bad_request(std::string message) {
  return net::problem_response({ErrorCode::invalid_argument, std::move(message), {}});
}

HttpResponse not_found(std::string message) {
  return net::problem_response({ErrorCode::not_found, std::move(message), {}});
}

HttpResponse not_allowed(const std::string& allowed) {
  HttpResponse response = net::problem_response(405, "method_not_allowed", "This path answers " + allowed + ".");
  response.headers.push_back({"Allow", allowed});
  return response;
}

std::optional<std::int64_t> number(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 1) return std::nullopt;
  return value;
}

Json budget_json(const SyncSources::BudgetUse& use) {
  const auto rate = [](std::optional<double> calls) { return calls ? Json(*calls) : Json(); };
  return Json{{"calls_per_second", rate(use.calls_per_second)},
              {"part_per_second", rate(use.part_per_second)},
              {"processes", use.processes},
              {"used_share", use.used_share}};
}

// A member that must be of a type if it is there. Sets `fault` otherwise.
template <typename T>
T member(const Json& body, const char* name, T otherwise, std::string& fault) {
  const auto found = body.find(name);
  if (found == body.end() || found->is_null()) return otherwise;
  const bool fits = std::is_same_v<T, bool> ? found->is_boolean() : found->is_string();
  if (fits) return found->get<T>();
  fault = std::string("\"") + name + "\" must be " + (std::is_same_v<T, bool> ? "true or false." : "a text.");
  return otherwise;
}

// The answers to a conflict, checked for their form; what they are about is checked where they are kept.
std::optional<std::string> fault_in_answer(const Json& fields, const Parked& matter, const records::Entity* entity) {
  if (!fields.is_object() || fields.empty()) return "\"fields\" must be an object with an answer for each field.";
  for (const auto& [field, choice] : fields.items()) {
    const bool is_value = field != "*" && choice.is_object() && choice.size() == 1 && choice.contains("value");
    if (choice != "legacy" && choice != "modern" && !is_value) {
      return "The answer for \"" + field + R"(" must be "legacy" or "modern", or {"value": …} for a single field.)";
    }
    const bool asked = std::find(matter.fields.begin(), matter.fields.end(), field) != matter.fields.end();
    if (field != "*" && !asked) return "\"" + field + "\" is not in conflict.";
    const records::Field* known = entity ? entity->field(field) : nullptr;
    if (!is_value || !known) continue;
    if (choice["value"].is_null() && known->required) return "\"" + field + "\" is required: it cannot be cleared.";
    if (choice["value"].is_null()) continue;
    const auto canonical = records::canonical_value(*known, choice["value"]);
    if (!canonical) return "The value for \"" + field + "\" does not fit: " + canonical.error().public_message;
  }
  for (const std::string& field : matter.fields) {
    if (!fields.contains(field) && !fields.contains("*")) return "There is no answer for \"" + field + "\".";
  }
  return std::nullopt;
}

// Ids that the question "which one is it?" can be answered with.
Json candidates_of(const Parked& matter) {
  const Json none = Json::array();
  const Json& ids = matter.error_class == "ambiguous_match"    ? matter.modern
                    : matter.error_class == "ambiguous_create" ? matter.legacy
                                                               : none;
  return ids.is_array() ? ids : none;
}

bool is_among(const Json& ids, const std::string& id) {
  return std::find(ids.begin(), ids.end(), Json(id)) != ids.end();
}

// Each field answered for by its name, "*" spread over those that are not named; values in canonical form.
Json spread(const Json& fields, const Parked& matter, const records::Entity* entity) {
  Json out = Json::object();
  for (const std::string& field : matter.fields) {
    Json choice = fields.contains(field) ? fields[field] : fields["*"];
    const records::Field* known = entity ? entity->field(field) : nullptr;
    if (known && choice.is_object() && !choice["value"].is_null()) {
      if (auto canonical = records::canonical_value(*known, choice["value"])) choice["value"] = *canonical;
    }
    out[field] = std::move(choice);
  }
  return out;
}

// A system is as its streams are: all of them, or it runs.
void sum_up(Json& system, const std::string& trouble) {
  if (system["state"] == "paused") return;  // by a person
  for (const char* state : {"paused", "starting"}) {
    const Json& streams = system["streams"];
    const auto is_so = [state](const Json& stream) { return stream["state"] == state; };
    if (!std::all_of(streams.begin(), streams.end(), is_so)) continue;
    system["state"] = state;
    system["reason"] = trouble.empty() ? streams.front()["reason"] : Json(trouble);
  }
}

}  // namespace

SyncApi::SyncApi(sync::SyncQueries& queries, SyncSources sources, const Clock& clock)
    : queries_(queries), sources_(std::move(sources)), clock_(clock) {}

HttpResponse SyncApi::handle(const HttpRequest& request) const {
  if (const auto known = author_of(request); !known) return net::problem_response(known.error());
  const auto segments = segments_below(kSyncPrefix, request.path());
  if (!segments) return bad_request("The path is not well-formed.");
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (segments->empty()) return reads ? status() : not_allowed("GET, HEAD");
  const std::string& first = segments->front();
  const bool is_conflict = first == "conflicts";
  if ((is_conflict || first == "dead-letters") && segments->size() <= 2 && segments->back() != "replay") {
    if (!reads) return not_allowed("GET, HEAD");
    const auto kind = is_conflict ? Parked::Kind::conflict : Parked::Kind::dead_letter;
    if (segments->size() == 1) return list(request, kind);
    const auto id = number((*segments)[1]);
    return id ? one(kind, *id) : not_found("There is nothing of this id.");
  }
  return post(request, *segments);
}

HttpResponse SyncApi::post(const HttpRequest& request, const std::vector<std::string>& segments) const {
  struct Route {
    std::vector<std::string> path;  // "#" stands for an id
    std::vector<std::string_view> members;
    std::function<HttpResponse(std::int64_t id, const Json& body)> call;
  };
  const std::vector<Route> routes{
      {{"backfill"},
       {"system", "entity", "dry_run", "accept_deletes"},
       [&](auto, const Json& body) { return start_scan(body, ScanState::Kind::backfill); }},
      {{"verify"},
       {"system", "entity", "repair", "accept_deletes"},
       [&](auto, const Json& body) { return start_scan(body, ScanState::Kind::verify); }},
      {{"pause"}, {"system"}, [&](auto, const Json& body) { return pause(request, body, true); }},
      {{"resume"}, {"system"}, [&](auto, const Json& body) { return pause(request, body, false); }},
      {{"owner"}, {"system", "entity", "owner"}, [&](auto, const Json& body) { return set_owner(body); }},
      {{"conflicts", "#", "resolve"},
       {"fields", "link"},
       [&](auto id, const Json& body) { return resolve(request, id, body); }},
      {{"dead-letters", "replay"},
       {"all", "error_class", "system", "entity"},
       [&](auto, const Json& body) { return replay_many(request, body); }},
      {{"dead-letters", "#", "replay"},
       {"values"},
       [&](auto id, const Json& body) { return replay(request, id, body); }},
  };
  for (const Route& route : routes) {
    if (route.path.size() != segments.size()) continue;
    std::int64_t id = 0;
    bool fits = true;
    for (std::size_t i = 0; i < segments.size() && fits; ++i) {
      const auto given = route.path[i] == "#" ? number(segments[i]) : std::nullopt;
      fits = given || route.path[i] == segments[i];
      if (given) id = *given;
    }
    if (!fits) continue;
    if (request.method != "POST") return not_allowed("POST");
    const auto body = request.body.empty() ? Result<Json>(Json::object()) : body_object(request, route.members);
    return body ? route.call(id, *body) : net::problem_response(body.error());
  }
  return not_found("There is nothing at this path.");
}

HttpResponse SyncApi::status() const {
  const auto reports = queries_.streams(deadline());
  if (!reports) return net::problem_response(reports.error());
  const std::vector<sync::StreamStatus> here = sources_.status();
  Json systems = Json::array();
  for (const sync::StreamReport& report : *reports) {
    const bool is_new = systems.empty() || systems.back()["system"] != report.system;
    if (is_new) {
      systems.push_back({{"system", report.system},
                         {"state", "running"},
                         {"reason", ""},
                         {"budget", budget_json(sources_.budget(report.system))},
                         {"streams", Json::array()}});
    }
    Json& system = systems.back();
    system["streams"].push_back(stream_json(report, here));
    if (report.state.paused) system["state"] = "paused";
    if (report.state.paused) system["reason"] = report.state.pause_reason;
  }
  for (Json& system : systems) sum_up(system, sources_.trouble(system["system"].get<std::string>()));
  return json_response(200, {{"at", time_json(clock_.wall())}, {"systems", systems}});
}

Json SyncApi::stream_json(const sync::StreamReport& report, const std::vector<sync::StreamStatus>& here) const {
  const auto mine = std::find_if(here.begin(), here.end(), [&](const sync::StreamStatus& status) {
    return status.system == report.system && status.entity == report.entity && status.holds_lease;
  });
  const StreamCondition condition =
      condition_of(report, mine == here.end() ? nullptr : &*mine, sources_.poll_interval(report.system), clock_.wall());
  const sync::StreamStatus& status = condition.figures;
  Json drift = Json::array();
  for (const std::string& sentence : status.schema_drift) {
    drift.push_back({{"message", sentence}, {"held", sentence.find(sync::kIsHeld) != std::string::npos}});
  }
  sync::Counts both = report.legacy;
  both.captured += report.modern.captured;
  both.applied += report.modern.applied;
  both.superseded += report.modern.superseded;
  both.echo += report.modern.echo;
  both.conflict += report.modern.conflict;
  both.dead_letter += report.modern.dead_letter;
  both.in_flight += report.modern.in_flight;
  const std::string& cursor_id = report.state.cursor.id;
  return Json{{"entity", report.entity},
              {"state", condition.state},
              {"reason", condition.reason},
              {"guarantees", sources_.guarantees(report.system, report.entity)},
              {"owner", to_string(report.state.owner)},
              {"epoch", report.state.epoch},
              {"process", report.lease_owner},
              {"lag_seconds", condition.lag_seconds ? Json(*condition.lag_seconds) : Json()},
              {"in_flight", both.in_flight},
              {"parked", report.parked},
              {"links", report.links},
              {"counters", counters_json(both)},
              {"captured_on", {{"legacy", counters_json(report.legacy)}, {"modern", counters_json(report.modern)}}},
              {"near_misses", status.near_misses},
              {"caught_up_at", time_json(status.caught_up_at)},
              {"cursor", report.state.cursor.stamp + (cursor_id.empty() ? "" : "/" + cursor_id)},
              {"overlap_ms", report.state.overlap.count()},
              {"backfill", backfill_json(report, &status)},
              {"dry_run", dry_run_json(report, &status)},
              {"verify", verify_json(report, &status)},
              {"missing", missing_json(report.state.scan)},
              {"schema_drift", drift}};
}

HttpResponse SyncApi::start_scan(const Json& body, ScanState::Kind kind) const {
  std::string fault;
  const auto system = member<std::string>(body, "system", "", fault);
  const auto entity = member<std::string>(body, "entity", "", fault);
  sync::ScanRequest wanted;
  wanted.kind = kind;
  wanted.dry_run = member<bool>(body, "dry_run", false, fault);
  wanted.repair = member<bool>(body, "repair", false, fault);
  wanted.accepts_deletes = member<bool>(body, "accept_deletes", false, fault);
  if (!fault.empty()) return bad_request(fault);
  const auto started = queries_.start_scan(system, entity, wanted, deadline());
  if (!started) return net::problem_response(started.error());
  if (started->begun.empty()) {
    return net::problem_response({ErrorCode::conflict, "A run is under way already for all that was asked for.", {}});
  }
  Json begun = Json::array();
  Json skipped = Json::array();
  for (const auto& [its_system, its_entity] : started->begun) {
    begun.push_back({{"system", its_system}, {"entity", its_entity}});
  }
  for (const auto& [name, reason] : started->skipped) {
    skipped.push_back({{"system", name.first}, {"entity", name.second}, {"reason", reason}});
  }
  return json_response(202, {{"started", begun}, {"skipped", skipped}});
}

HttpResponse SyncApi::list(const HttpRequest& request, Parked::Kind kind) const {
  const auto parameters = query_parameters(request.query());
  if (!parameters) return bad_request("The query is not well-formed.");
  ParkedFilter filter;
  filter.kind = kind;
  filter.newest_first = kind == Parked::Kind::conflict;
  for (const auto& [name, value] : *parameters) {
    if (name == "system") {
      filter.system = value;
    } else if (name == "entity") {
      filter.entity = value;
    } else if (name == "error_class" && kind == Parked::Kind::dead_letter) {
      filter.error_class = value;
    } else if (name == "state" && (value == "open" || value == "resolved" || value == "all")) {
      filter.which = value == "open"       ? ParkedFilter::Which::open
                     : value == "resolved" ? ParkedFilter::Which::resolved
                                           : ParkedFilter::Which::all;
    } else if (name == "limit" && number(value) && *number(value) <= 500) {
      filter.limit = static_cast<std::size_t>(*number(value));
    } else if (name == "cursor" && number(value)) {
      filter.after = *number(value);
    } else {
      return bad_request("The query parameter \"" + name + "\" is not known here, or has a value that it cannot have.");
    }
  }
  const auto found = queries_.parked(filter, deadline());
  if (!found) return net::problem_response(found.error());
  Json rows = Json::array();
  for (const ParkedReport& report : *found) {
    rows.push_back(kind == Parked::Kind::conflict ? conflict_json(report) : dead_letter_json(report));
  }
  const bool full = found->size() == filter.limit;
  const Json next = full ? Json(std::to_string(found->back().matter.id)) : Json();
  return json_response(200, {{kind == Parked::Kind::conflict ? "conflicts" : "dead_letters", rows}, {"next", next}});
}

HttpResponse SyncApi::one(Parked::Kind kind, std::int64_t id) const {
  const auto found = queries_.parked_one(id, deadline());
  if (!found) return net::problem_response(found.error());
  if (found->matter.kind != kind) return not_found("There is nothing of this id.");
  return json_response(200, kind == Parked::Kind::conflict ? conflict_json(*found) : dead_letter_json(*found));
}

HttpResponse SyncApi::resolve(const HttpRequest& request, std::int64_t id, const Json& body) const {
  const auto found = queries_.parked_one(id, deadline());
  if (!found) return net::problem_response(found.error());
  const Parked& matter = found->matter;
  if (matter.kind != Parked::Kind::conflict) return not_found("There is no conflict of this id.");
  const records::Entity* entity = sources_.ontology ? sources_.ontology->find(found->entity) : nullptr;
  Json answer;
  if (matter.error_class == "ambiguous_match" || matter.error_class == "ambiguous_create") {
    if (!body.contains("link") || !body["link"].is_string()) {
      return bad_request(R"("link" must name the record, or be "new".)");
    }
    const auto link = body["link"].get<std::string>();
    if (link != "new" && !is_among(candidates_of(matter), link)) {
      return bad_request(R"("link" must be one of the candidates, or "new".)");
    }
    const char* member_name = matter.error_class == "ambiguous_match" ? "record" : "legacy_id";
    const Json is_new = matter.error_class == "ambiguous_match" ? "legacy" : "modern";
    answer = {{"*", link == "new" ? is_new : Json{{member_name, link}}}};
  } else {
    const Json fields = body.value("fields", Json());
    if (const auto fault = fault_in_answer(fields, matter, entity)) return bad_request(*fault);
    answer = spread(fields, matter, entity);
  }
  const auto answered = queries_.answer(id, answer, author_of(request).value(), deadline());
  return answered ? json_response(200, conflict_json(*answered)) : net::problem_response(answered.error());
}

HttpResponse SyncApi::replay(const HttpRequest& request, std::int64_t id, const Json& body) const {
  const auto found = queries_.parked_one(id, deadline());
  if (!found) return net::problem_response(found.error());
  if (found->matter.kind != Parked::Kind::dead_letter) return not_found("There is no dead letter of this id.");
  Json values = body.value("values", Json::object());
  if (!values.is_object()) return bad_request("\"values\" must be an object.");
  const records::Entity* entity = sources_.ontology ? sources_.ontology->find(found->entity) : nullptr;
  for (auto& [field, value] : values.items()) {
    const records::Field* known = entity ? entity->field(field) : nullptr;
    if (!known) return bad_request("The entity has no field \"" + field + "\".");
    if (value.is_null() && known->required) return bad_request("\"" + field + "\" is required: it cannot be cleared.");
    if (value.is_null()) continue;
    auto canonical = records::canonical_value(*known, value);
    if (!canonical)
      return bad_request("The value for \"" + field + "\" does not fit: " + canonical.error().public_message);
    value = *canonical;
  }
  const auto answered = queries_.answer(id, {{"values", values}}, author_of(request).value(), deadline());
  return answered ? json_response(202, {{"replayed", 1}}) : net::problem_response(answered.error());
}

HttpResponse SyncApi::replay_many(const HttpRequest& request, const Json& body) const {
  std::string fault;
  ParkedFilter filter;
  filter.kind = Parked::Kind::dead_letter;
  filter.system = member<std::string>(body, "system", "", fault);
  filter.entity = member<std::string>(body, "entity", "", fault);
  filter.error_class = member<std::string>(body, "error_class", "", fault);
  const bool all = member<bool>(body, "all", false, fault);
  if (!fault.empty()) return bad_request(fault);
  if (all == !filter.error_class.empty()) return bad_request(R"(Either "all": true or an "error_class" is needed.)");
  const auto replayed = queries_.replay(filter, author_of(request).value(), deadline());
  return replayed ? json_response(202, {{"replayed", *replayed}}) : net::problem_response(replayed.error());
}

HttpResponse SyncApi::pause(const HttpRequest& request, const Json& body, bool paused) const {
  std::string fault;
  const auto system = member<std::string>(body, "system", "", fault);
  if (!fault.empty()) return bad_request(fault);
  const auto systems = queries_.pause(system, paused, paused ? "by " + author_of(request).value() : "", deadline());
  if (!systems) return net::problem_response(systems.error());
  Json out = Json::array();
  for (const std::string& name : *systems) out.push_back({{"system", name}, {"state", paused ? "paused" : "running"}});
  return json_response(200, {{"systems", out}});
}

HttpResponse SyncApi::set_owner(const Json& body) const {
  std::string fault;
  const auto system = member<std::string>(body, "system", "", fault);
  const auto entity = member<std::string>(body, "entity", "", fault);
  const auto owner = member<std::string>(body, "owner", "", fault);
  if (!fault.empty()) return bad_request(fault);
  if (owner != "legacy" && owner != "modern" && owner != "both") {
    return bad_request(R"("owner" must be "legacy", "modern" or "both".)");
  }
  const auto to = owner == "legacy" ? sync::Owner::legacy : owner == "modern" ? sync::Owner::modern : sync::Owner::both;
  const auto epoch = queries_.set_owner(system, entity, to, deadline());
  if (!epoch) return net::problem_response(epoch.error());
  return json_response(200, {{"system", system}, {"entity", entity}, {"owner", owner}, {"epoch", *epoch}});
}

Json SyncApi::conflict_json(const ParkedReport& report) const {
  const Parked& matter = report.matter;
  Json fields = Json::array();
  const auto put = [](Json& out, const char* side, const Json& values, const std::string& field) {
    const Json value = field == "*" ? values : values.is_object() ? values.value(field, Json()) : Json();
    if (!value.is_null()) out[side] = value;
  };
  for (const std::string& field : matter.fields) {
    Json one{{"field", field}, {"policy", sources_.policy(report.system, report.entity, field)}};
    put(one, "base", matter.base, field);
    put(one, "legacy", matter.legacy, field);
    put(one, "modern", matter.modern, field);
    fields.push_back(std::move(one));
  }
  Json out{{"id", std::to_string(matter.id)},
           {"system", report.system},
           {"entity", report.entity},
           {"record_id", matter.record_id.empty() ? Json() : Json(matter.record_id)},
           {"legacy_id", matter.legacy_id.empty() ? Json() : Json(matter.legacy_id)},
           {"state", to_string(matter.state)},
           {"class", matter.error_class},
           {"message", matter.message},
           {"at", time_json(matter.at)},
           {"epoch", matter.epoch},
           {"fields", fields},
           {"candidates", candidates_of(matter)},
           {"resolution", Json()}};
  if (!matter.answer.is_null()) out["resolution"] = {{"by", matter.answered_by}, {"fields", matter.answer}};
  return out;
}

Json SyncApi::dead_letter_json(const ParkedReport& report) const {
  const Parked& matter = report.matter;
  const bool from_legacy = matter.side == records::Side::legacy;
  return Json{{"id", std::to_string(matter.id)},
              {"system", report.system},
              {"entity", report.entity},
              {"record_id", matter.record_id.empty() ? Json() : Json(matter.record_id)},
              {"legacy_id", matter.legacy_id.empty() ? Json() : Json(matter.legacy_id)},
              {"state", to_string(matter.state)},
              {"origin", to_string(matter.side)},
              {"error_class", matter.error_class},
              {"message", matter.message},
              {"fields", matter.fields},
              {"changes", matter.legacy_changes + matter.modern_changes},
              {"at", time_json(matter.at)},
              {"epoch", matter.epoch},
              {"old", matter.base},
              {"new", from_legacy ? matter.legacy : matter.modern},
              {"current", from_legacy ? matter.modern : matter.legacy}};
}

}  // namespace banyan::api
