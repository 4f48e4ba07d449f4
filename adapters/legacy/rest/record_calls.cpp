#include "adapters/legacy/rest/record_calls.hpp"

#include <algorithm>
#include <utility>

#include "adapters/legacy/rest/fields.hpp"
#include "adapters/legacy/rest/wire_json.hpp"

namespace banyan::legacy::rest {
namespace {

using Kind = Failure::Kind;

// Login and maintenance pages come with status 200 too; to take one for "done" would lose the write.
bool is_page(const HttpResponse& response) {
  const std::size_t first = response.body.find_first_not_of(" \t\r\n");
  const bool markup = first != std::string::npos && response.body[first] == '<';
  return markup || response.header("Content-Type").find("html") != std::string_view::npos;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  const auto digit = [](char c) {
    constexpr std::string_view kHex = "0123456789abcdef";
    return kHex.find(c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c);
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool coded = text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) < 16 && digit(text[i + 2]) < 16;
    if (!coded) {
      out += text[i];
      continue;
    }
    out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
    i += 2;
  }
  return out;
}

std::string last_segment(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  while (url.ends_with('/')) url.remove_suffix(1);
  return percent_decoded(url.substr(url.rfind('/') + 1));
}

std::string trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n\"");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t\r\n\"") + 1 - first));
}

}  // namespace

Failure RecordCalls::failure(Kind kind, const std::string& what) const {
  return {kind, type_.name + ": " + what, std::nullopt};
}

Request RecordCalls::request_for(Purpose purpose, const Operation& operation, const char* method,
                                 const std::string& id) const {
  Request request;
  request.purpose = purpose;
  request.method = operation.method.empty() ? method : operation.method;
  request.target = target_of(operation, {}, {{"id", id}});
  return request;
}

Answer<Current> RecordCalls::read(const std::string& id) {
  if (!is_id(type_.id, id)) return tl::unexpected(failure(Kind::missing, "no id of this type: " + excerpt(id, 80)));
  const Request request = request_for(Purpose::get, *type_.get, "GET", id);
  const auto response = session_.send(request, deadline_);
  if (!response) return tl::unexpected(response.error());
  if (auto failed = session_.failure_of(request, *response, {{type_.gone, Kind::missing}}))
    return tl::unexpected(*failed);
  auto body = session_.json_of(request, *response);
  if (!body) return tl::unexpected(body.error());
  const Pointer place = type_.get->item.value_or(Pointer{});
  const Json* item = place.find(*body);
  if (item == nullptr || item->is_null()) {
    return tl::unexpected(
        session_.failure(Kind::malformed, request, "the answer holds no record at \"" + place.text() + "\""));
  }
  Current current{*item, read_row(description_, type_, *item), ""};
  if (!current.row.problem.empty()) {
    return tl::unexpected(session_.failure(Kind::malformed, request, current.row.problem));
  }
  if (current.row.record.id != id) {
    return tl::unexpected(session_.failure(Kind::malformed, request, "the answer is record " + current.row.record.id));
  }
  if (current.row.record.deleted) return tl::unexpected(session_.failure(Kind::missing, request, "marked as deleted"));
  current.row.record.cursor = {};
  if (!type_.version.header.empty()) {
    current.tag = response->header(type_.version.header);
    if (current.tag.empty()) {
      return tl::unexpected(
          session_.failure(Kind::malformed, request, "no header " + type_.version.header + " in the answer"));
    }
  }
  return current;
}

Answer<HttpResponse> RecordCalls::send_write(const Request& request, const std::vector<Meaning>& meanings) {
  auto response = session_.send(request, deadline_);
  if (!response) return response;
  if (auto failed = session_.failure_of(request, *response, meanings)) return tl::unexpected(*failed);
  if (is_page(*response)) {
    return tl::unexpected(session_.failure(
        Kind::unknown, request,
        "status " + std::to_string(response->status) + ", but a page came: " + excerpt(response->body, 200)));
  }
  if (description_.failure && !response->body.empty()) {
    const auto body = session_.json_of(request, *response);  // knows the mark of a failure in a good answer
    if (!body) return tl::unexpected(body.error());
  }
  return response;
}

std::optional<std::string> RecordCalls::id_of_create(const HttpResponse& response) const {
  const CreateForm& form = *type_.create;
  if (form.id_in == CreateForm::IdIn::location) {
    std::string id = last_segment(response.header("Location"));
    return is_id(type_.id, id) ? std::optional(std::move(id)) : std::nullopt;
  }
  if (form.id_in == CreateForm::IdIn::bare) {
    std::string id = trimmed(response.body);
    return is_id(type_.id, id) ? std::optional(std::move(id)) : std::nullopt;
  }
  const auto body = parse_wire(response.body);
  const Json* id = body ? form.id_at.find(*body) : nullptr;
  return id == nullptr ? std::nullopt : id_from_wire(type_.id, *id);
}

Answer<Written> RecordCalls::create(const Json& object, const std::string& chosen_id) {
  const CreateForm& form = *type_.create;
  Request request = request_for(Purpose::create, form.request, "POST", chosen_id);
  Json body;
  type_.wrap.put(body, object);
  request.body = std::move(body);
  const auto response = send_write(request, {{form.duplicate, Kind::duplicate}});
  if (!response) return tl::unexpected(response.error());
  Written written;
  written.id = id_of_create(*response).value_or(chosen_id);
  if (written.id.empty()) {
    return tl::unexpected(session_.failure(
        Kind::unknown, request,
        "status " + std::to_string(response->status) + ", but no id in the answer: " + excerpt(response->body, 200)));
  }
  if (!form.request.item) return written;
  const auto answer = parse_wire(response->body);
  const Json* item = answer ? form.request.item->find(*answer) : nullptr;
  if (item == nullptr) return written;
  Row row = read_row(description_, type_, *item);
  if (!row.problem.empty() || row.record.id != written.id) return written;
  row.record.cursor = {};
  written.version = row.record.version;
  written.record = std::move(row.record);
  return written;
}

void RecordCalls::demand_version(Request& request, const Current* basis, const std::string& expected,
                                 Json* object) const {
  const VersionForm& version = type_.version;
  if (!version.header.empty()) {
    if (basis != nullptr) request.headers.emplace_back(version.send.empty() ? "If-Match" : version.send, basis->tag);
    return;
  }
  if (!version.at) return;
  const std::string value = basis != nullptr ? basis->row.record.version : expected;
  if (value.empty()) return;
  if (!version.send.empty()) {
    request.headers.emplace_back(version.send, value);
  } else if (object != nullptr) {
    // As it stood in the record; a version that was never read is a number if it looks like one.
    const Json* as_read = basis != nullptr ? version.at->find(basis->item) : nullptr;
    const IdForm number{};
    version.at->put(*object, as_read != nullptr     ? *as_read
                             : is_id(number, value) ? id_to_wire(number, value)
                                                    : Json(value));
  }
}

Json RecordCalls::whole_body(const Json& item) const {
  Json body = item;
  for (const Pointer& part : type_.update->drop) part.erase(body);
  return body;
}

Answer<Outcome> RecordCalls::update(const std::string& id, Json object, const Current* basis,
                                    const std::string& expected) {
  const UpdateForm& form = *type_.update;
  Request request = request_for(Purpose::update, form.request, form.whole ? "PUT" : "PATCH", id);
  demand_version(request, basis, expected, &object);
  Json body;
  type_.wrap.put(body, std::move(object));
  request.body = std::move(body);
  auto response = send_write(request, {{form.stale, Kind::stale}, {type_.gone, Kind::missing}});
  if (!response) return tl::unexpected(response.error());
  Outcome outcome{std::move(*response), std::nullopt};
  if (!form.request.item) return outcome;
  const auto answer = parse_wire(outcome.response.body);
  const Json* item = answer ? form.request.item->find(*answer) : nullptr;
  if (item != nullptr) outcome.item = *item;
  return outcome;
}

Answer<void> RecordCalls::remove(const std::string& id, const Current* basis) {
  const DeleteForm& form = *type_.remove;
  Request request = request_for(Purpose::remove, form.request, "DELETE", id);
  Json object = form.body.value_or(Json::object());
  demand_version(request, basis, "", form.body ? &object : nullptr);
  if (form.body) {
    Json body;
    type_.wrap.put(body, std::move(object));
    request.body = std::move(body);
  }
  const auto response = send_write(request, {{type_.gone, Kind::missing}});
  if (!response) return tl::unexpected(response.error());
  return {};
}

}  // namespace banyan::legacy::rest
