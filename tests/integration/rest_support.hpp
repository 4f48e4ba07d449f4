// A description of the habits server (tests/support/habits_server.py), part by part, and the server's back door.
#pragma once

#include <chrono>
#include <cstdlib>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "adapters/legacy/http_client.hpp"
#include "adapters/legacy/rest/description.hpp"
#include "adapters/legacy/rest/rest_system.hpp"

namespace banyan::legacy::rest::testing_support {

inline std::string environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr)
    throw std::runtime_error(std::string(name) + " is not set: run the test through rest_adapter.py");
  return value;
}

inline Deadline in(std::chrono::milliseconds span) {
  return Deadline::after(SystemClock(), span);
}
inline Deadline soon() {
  return in(std::chrono::seconds(120));
}

// A request past the adapter.
inline HttpResponse ask(const std::string& url, const std::string& method, const std::string& target,
                        const std::string& body = "", std::vector<std::pair<std::string, std::string>> headers = {}) {
  HttpOptions options;
  options.base_url = url;
  HttpClient client(options);
  headers.emplace_back("Content-Type", "application/json");
  HttpRequest request;
  request.method = method;
  request.target = target;
  request.headers = std::move(headers);
  request.body = body;
  auto response = client.call(request, soon());
  if (!response) throw std::runtime_error(response.error().message);
  return std::move(*response);
}

inline std::unique_ptr<RestSystem> system_of(const std::string& text) {
  static const SystemClock clock;
  auto description = parse_rest_description(text, "test.yaml", ".");
  if (!description) {
    std::string faults;
    for (const auto& fault : description.error()) faults += yaml::to_string(fault) + "\n";
    throw std::runtime_error(faults);
  }
  return std::make_unique<RestSystem>(std::move(*description), clock);
}

// Parts of the description by key, in one line of YAML each; an empty part leaves the key out. Those of the top level
// begin with "top.".
using Parts = std::map<std::string, std::string>;

inline std::string contacts_description(const std::string& url, const Parts& changed = {}) {
  Parts parts{
      {"top.base_url", url},
      {"id", "{at: /id, form: number}"},
      {"stamp", "{at: /updated_at, time: iso, precision: 1us}"},
      {"created", "{at: /created_at, time: iso, precision: 1us}"},
      {"author", "{at: /updated_by, is: banyan}"},
      {"fields", "{name: {type: text}, phone: {type: text}, amount: {type: decimal}, note: {}, ext_ref: {type: text}}"},
      {"list", "{path: /contacts, paging: {style: page, position: page, limit: limit, size: 10}}"},
      {"changes", "{query: {since: \"{stamp}\", sort: updated_at}, order: oldest_first}"},
      {"get", "{path: \"/contacts/{id}\"}"},
      {"create", "{path: /contacts, id: /id}"},
      {"update", "{path: \"/contacts/{id}\"}"},
      {"delete", "{path: \"/contacts/{id}\"}"},
  };
  for (const auto& [key, value] : changed) parts[key] = value;
  std::string top;
  std::string type;
  std::string more = parts["top.more_types"];
  parts.erase("top.more_types");
  for (const auto& [key, value] : parts) {
    if (value.empty()) continue;
    if (key.starts_with("top.")) {
      top += key.substr(4) + ": " + value + "\n";
    } else {
      type += "    " + key + ": " + value + "\n";
    }
  }
  return top + "types:\n  contacts:\n" + type + more;
}

}  // namespace banyan::legacy::rest::testing_support
