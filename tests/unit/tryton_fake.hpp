// A Tryton for unit tests: one table in memory behind its JSON-RPC, with hooks for what a real one does only on bad
// days.
#pragma once

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "adapters/legacy/base64.hpp"
#include "adapters/legacy/tryton/values.hpp"
#include "tests/unit/legacy_raw_server.hpp"

namespace banyan::legacy::testing_support {

using Json = nlohmann::json;

class FakeTryton {
public:
  static constexpr int kOurUser = 7;

  // Looks at each call to a model first; what it gives is the answer's body as it is.
  using Hook = std::function<std::optional<std::string>(const std::string& method, const Json& params)>;

  FakeTryton() : server_([this](Connection& connection) { serve(connection); }) {}

  std::string url() const { return server_.url(); }
  void set_hook(Hook hook) {
    const std::lock_guard lock(mutex_);
    hook_ = std::move(hook);
  }
  void end_sessions() {
    const std::lock_guard lock(mutex_);
    ++session_;
  }
  int calls(const std::string& method) {
    const std::lock_guard lock(mutex_);
    return calls_[method];
  }

  // Microseconds after a fixed moment; no `written`: never written.
  void add_row(int id, int created, std::optional<int> written, const Json& name, int user = kOurUser) {
    const std::lock_guard lock(mutex_);
    const int newest = written.value_or(created);
    rows_.push_back(Json{{"id", id},
                         {"create_date", moment(created)},
                         {"write_date", written ? moment(*written) : Json()},
                         {"_timestamp", std::to_string(newest)},
                         {"create_uid", user},
                         {"write_uid", written ? Json(user) : Json()},
                         {"name", name},
                         {"tags", Json::array({1, 2})}});
  }

  static Json error(const Json& what) { return Json{{"error", what}}; }

private:
  static Json moment(int microseconds) {
    const WallTime begin = std::chrono::sys_days(std::chrono::year(2026) / 1 / 1);
    return tryton::typed_datetime(begin + std::chrono::microseconds(microseconds));
  }

  void serve(Connection& connection) {
    for (std::string request = connection.read_request(); !request.empty(); request = connection.read_request()) {
      const Json call = Json::parse(request.substr(request.find("\r\n\r\n") + 4));
      const auto [status, body] = answer(request, call);
      connection.send("HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: " + std::to_string(body.size()) +
                      "\r\n\r\n" + body);
    }
  }

  std::pair<int, std::string> answer(const std::string& request, const Json& call) {
    const std::lock_guard lock(mutex_);
    const std::string method = call["method"];
    const Json& params = call["params"];
    ++calls_[method];
    if (method == "common.db.login") {
      if (params[1]["password"] != "right") return {401, "<html>no</html>"};
      return {200, envelope(call, Json::array({kOurUser, token()}))};
    }
    if (request.find("Authorization:Session " + authorization()) == std::string::npos) return {401, ""};
    if (method == "model.res.user.get_preferences") return {200, envelope(call, Json{{"language", "en"}})};
    if (hook_) {
      if (const auto body = hook_(method, params)) return {200, with_id(call, *body)};
    }
    return {200, envelope(call, result(method, params))};
  }

  std::string token() const { return "token" + std::to_string(session_); }
  std::string authorization() const { return base64("banyan:" + std::to_string(kOurUser) + ":" + token()); }

  static std::string envelope(const Json& call, const Json& result) {
    return Json{{"id", call["id"]}, {"result", result}}.dump();
  }
  static std::string with_id(const Json& call, const std::string& body) {
    Json parsed = Json::parse(body, nullptr, false);
    if (!parsed.is_object()) return body;
    parsed["id"] = call["id"];
    return parsed.dump();
  }

  Json result(const std::string& method, const Json& params) const {
    if (method.ends_with(".search_read")) return search_read(params);
    if (method.ends_with(".search")) return search_ids(params);
    if (method.ends_with(".create")) return Json::array({rows_.empty() ? Json(1) : rows_.back()["id"]});
    if (method.ends_with(".fields_get")) {
      return Json{{"name", Json{{"type", "char"}}}, {"tags", Json{{"type", "many2many"}}}};
    }
    return Json();
  }

  Json search_ids(const Json& params) const {
    Json ids = Json::array();
    for (const auto& row : rows_) {
      if (meets(row, params[0])) ids.push_back(row["id"]);
    }
    return ids;
  }

  Json search_read(const Json& params) const {
    std::vector<Json> found;
    std::copy_if(rows_.begin(), rows_.end(), std::back_inserter(found),
                 [&](const Json& row) { return meets(row, params[0]); });
    const Json& order = params[3];
    if (order.is_array()) {
      std::stable_sort(found.begin(), found.end(), [&](const Json& a, const Json& b) { return before(a, b, order); });
    }
    Json rows = Json::array();
    for (const auto& row : found) {
      if (rows.size() == params[2].get<std::size_t>()) break;
      Json read = Json{{"id", row["id"]}};
      for (const auto& name : params[4]) read[name.get<std::string>()] = row[name.get<std::string>()];
      rows.push_back(read);
    }
    return rows;
  }

  // Comparable: a stamp as its text.
  static Json key(const Json& value) { return value.is_object() ? *tryton::to_plain(value) : value; }

  static bool before(const Json& a, const Json& b, const Json& order) {
    for (const auto& part : order) {
      const std::string column = part[0];
      if (key(a[column]) != key(b[column])) return (key(a[column]) < key(b[column])) == (part[1] == "ASC");
    }
    return false;
  }

  static bool meets(const Json& row, const Json& domain) {
    if (domain.empty()) return true;
    if (domain[0].is_string() && domain[0] != "OR") return meets_clause(row, domain);
    const bool any = domain[0] == "OR";
    for (const auto& part : domain) {
      if (part.is_string()) continue;
      if (meets(row, part) == any) return any;
    }
    return !any;
  }

  static bool meets_clause(const Json& row, const Json& clause) {
    const Json value = key(row[clause[0].get<std::string>()]);
    const std::string comparison = clause[1];
    const Json wanted = key(clause[2]);
    if (comparison == "in") return std::find(wanted.begin(), wanted.end(), value) != wanted.end();
    if (comparison == "=") return value == wanted;
    if (comparison == "!=") return value != wanted;
    if (value.is_null()) return false;  // as in SQL
    return comparison == ">" ? value > wanted : value >= wanted;
  }

  std::mutex mutex_;
  Hook hook_;
  int session_ = 0;
  std::map<std::string, int> calls_;
  std::vector<Json> rows_;
  RawServer server_;
};

}  // namespace banyan::legacy::testing_support
