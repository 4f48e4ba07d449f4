// The catalog's order of specificity in its plainest form: every match of every function is tried in turn. What the
// compiled table is compared with. For requests with at most one value in each place and bodies without duplicate keys.
#pragma once

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "migration/catalog/predicate_index.hpp"
#include "migration/catalog/route_table.hpp"

namespace banyan::catalog::reference {

struct Request {
  std::string method = "GET";
  std::string host = "crm.example.com";
  std::string path = "/";
  std::string query;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

inline bool glob(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') return glob(pattern.substr(1), text) || (!text.empty() && glob(pattern, text.substr(1)));
  return !text.empty() && (pattern[0] == '?' || pattern[0] == text[0]) && glob(pattern.substr(1), text.substr(1));
}

inline bool holds(const TextPattern& pattern, std::string_view text) {
  switch (pattern.kind) {
    case TextPattern::Kind::equals:
      return text == pattern.text;
    case TextPattern::Kind::prefix:
      return text.substr(0, pattern.text.size()) == pattern.text;
    case TextPattern::Kind::glob:
      return glob(pattern.text, text);
    case TextPattern::Kind::present:
      return true;
  }
  return false;
}

inline std::optional<std::string> value_at(const Predicate& predicate, const Request& request) {
  if (predicate.source == Predicate::Source::header) {
    for (const auto& [name, value] : request.headers) {
      if (name == predicate.key) return value;
    }
    return std::nullopt;
  }
  if (predicate.source == Predicate::Source::query) {
    const std::string all = "&" + request.query + "&";
    const std::size_t at = all.find("&" + predicate.key + "=");
    if (at == std::string::npos) return std::nullopt;
    const std::size_t begin = at + predicate.key.size() + 2;
    return all.substr(begin, all.find('&', begin) - begin);
  }
  const auto body = nlohmann::json::parse(request.body, nullptr, false);
  const bool rpc = predicate.source == Predicate::Source::json_rpc;
  const nlohmann::json::json_pointer pointer(rpc ? "/method" : predicate.key);
  if (!body.is_object() || !body.contains(pointer)) return std::nullopt;
  const auto& value = body.at(pointer);
  if (!value.is_string()) return rpc ? std::nullopt : std::optional(value.dump());
  return value.get<std::string>();
}

inline std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> parts;
  for (path.remove_prefix(1);;) {
    const std::size_t slash = path.find('/');
    parts.emplace_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return parts;
    path.remove_prefix(slash + 1);
  }
}

// "3" for a literal, "2" for {x}, "1" for {rest...}: greater text, more specific. Nothing if the path does not match.
inline std::optional<std::string> path_rank(const std::string& pattern, const std::string& path) {
  if (pattern.empty()) return "";
  const auto want = split(pattern);
  const auto have = split(path);
  std::string rank;
  for (std::size_t i = 0; i < want.size(); ++i) {
    if (i >= have.size()) return std::nullopt;
    if (want[i].ends_with("...}")) return rank + "1";
    const bool parameter = want[i].starts_with('{');
    if (parameter ? have[i].empty() : want[i] != have[i]) return std::nullopt;
    rank += parameter ? '2' : '3';
  }
  return want.size() == have.size() ? std::optional(rank) : std::nullopt;
}

inline std::optional<std::size_t> host_rank(const Match& match, const std::string& host) {
  if (!match.host) return 0;
  if (*match.host == host) return 1000;
  if (!match.host->starts_with("*.") || !host.ends_with(match.host->substr(1))) return std::nullopt;
  return match.host->size();
}

using Rank = std::tuple<std::size_t, std::string, MatchRank>;

inline std::optional<Rank> rank(const Match& match, const Request& request) {
  const auto host = host_rank(match, request.host);
  const auto path = path_rank(match.path, request.path);
  if (!host || !path) return std::nullopt;
  const auto& methods = match.methods;
  if (!methods.empty() && std::find(methods.begin(), methods.end(), request.method) == methods.end()) return {};
  for (const Predicate& predicate : match.predicates) {
    const auto value = value_at(predicate, request);
    if (!value || !holds(predicate.pattern, *value)) return std::nullopt;
  }
  return Rank(*host, *path, rank_of(match));
}

// The position of the function; that of `unmapped` if none matches.
inline std::uint32_t recognise(const std::vector<FunctionSpec>& functions, const Request& request) {
  auto best = static_cast<std::uint32_t>(functions.size());
  std::optional<Rank> best_rank;
  for (std::uint32_t i = 0; i < functions.size(); ++i) {
    for (const Match& match : functions[i].matches) {
      const auto found = rank(match, request);
      if (!found || (best_rank && *found <= *best_rank)) continue;
      best = i;
      best_rank = found;
    }
  }
  return best;
}

// The compiled table's answer to the same request, asked as the data plane asks: first without the body.
inline std::uint32_t recognise(const RouteTable& table, const Request& request) {
  std::vector<HeaderField> headers;
  for (const auto& [name, value] : request.headers) headers.push_back({name, value});
  const RequestView view{request.method, request.host, request.path, request.query, headers};
  const Recognition first = table.recognise(view, {});
  if (!first.needs_body) return first.function;
  return table.recognise(view, {BodyView::State::complete, request.body}).function;
}

}  // namespace banyan::catalog::reference
