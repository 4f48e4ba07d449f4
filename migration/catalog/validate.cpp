#include "migration/catalog/validate.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "migration/catalog/json_pointers.hpp"
#include "migration/catalog/path.hpp"
#include "migration/catalog/record_ids.hpp"

namespace banyan::catalog {
namespace {

constexpr std::size_t kMaxHeaderName = 128;

std::string quoted(std::string_view text) {
  return std::string("`").append(text).append("`");
}

// RFC 9110 section 5.6.2: methods, header names and cookie names.
bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

bool is_host_pattern(std::string_view host) {
  if (host.starts_with("*.")) host.remove_prefix(2);
  if (host.empty() || host.size() > 255 || host.ends_with('.')) return false;
  const bool is_ipv6 = host.front() == '[' && host.back() == ']';
  return std::all_of(host.begin(), host.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_' ||
           (is_ipv6 && (c == ':' || c == '[' || c == ']'));
  });
}

class Validation {
public:
  explicit Validation(const std::vector<std::string>& upstreams) : upstreams_(upstreams.begin(), upstreams.end()) {}

  void check(const FunctionSpec& function, std::size_t position) {
    at_ = position;
    match_.reset();
    check_name(function.name);
    check_upstream(function.legacy);
    if (function.modern) check_upstream(function.modern->upstream);
    check_stage(function);
    if (function.matches.empty()) fault("no match", "at least one way to recognise the function");
    for (std::size_t i = 0; i < function.matches.size(); ++i) {
      match_ = i;
      check_match(function.matches[i]);
    }
    match_.reset();
    check_record_ids(function);
  }

  void check_default(std::string_view upstream, std::size_t position) {
    at_ = position;
    check_upstream(upstream);
  }

  std::vector<CatalogFault> take() { return std::move(faults_); }

private:
  void fault(std::string found, std::string expected) {
    faults_.push_back({at_, match_, std::move(found), std::move(expected)});
  }

  void check_name(const std::string& name) {
    if (name.empty()) return fault("an empty name", "a name such as `party.search`");
    if (name == kUnmapped)
      return fault("the name `unmapped`", "another name: this one counts what no function recognises");
    const auto [first, is_new] = names_.try_emplace(name, at_);
    if (!is_new) fault("the name " + quoted(name) + " a second time", "a name of its own for each function");
  }

  void check_upstream(std::string_view upstream) {
    if (!upstreams_.contains(std::string(upstream))) {
      fault("the upstream " + quoted(upstream), "the name of an upstream in the settings");
    }
  }

  void check_stage(const FunctionSpec& function) {
    if (!(function.percent >= 0 && function.percent <= 100)) {
      fault("percent " + std::to_string(function.percent), "a number from 0 to 100");
    }
    if (function.stage == Stage::shadow) {
      fault("stage `shadow`", "another stage: `shadow` comes with the shadow part");
    }
    const bool needs_modern = function.stage == Stage::canary || function.stage == Stage::modern;
    if (needs_modern && !function.modern) {
      fault("stage " + quoted(to_string(function.stage)) + " without a modern side", "`modern` with an upstream");
    }
  }

  void check_record_ids(const FunctionSpec& function) {
    if (function.record_ids.empty()) return;
    if (function.effect == Effect::read) fault("record_ids of a function that reads", "`effect: write`");
    if (function.entity.empty()) fault("record_ids without an entity", "the key `entity`");
    if (parameter_of(function.record_ids)) {
      for (const Match& match : function.matches) {
        if (place_of_parameter(match.path, function.record_ids)) continue;
        fault("record_ids " + quoted(function.record_ids) + ", which is not in the path " + quoted(match.path),
              "a parameter of the path of every match");
      }
    } else if (!function.record_ids.starts_with('/') || !parse_json_pointer(function.record_ids)) {
      fault("record_ids " + quoted(function.record_ids), "a JSON pointer such as `/params/0`, or `{id}` of the path");
    }
  }

  void check_match(const Match& match) {
    for (const std::string& method : match.methods) {
      if (!is_token(method)) fault("the method " + quoted(method), "an HTTP method such as `GET`");
    }
    if (match.host && !is_host_pattern(*match.host)) {
      fault("the host " + quoted(*match.host), "a host in lower case without a port, or `*.` and a host");
    }
    if (!match.path.empty()) {
      const auto segments = parse_template(match.path);
      if (!segments) {
        fault("the path " + quoted(match.path) + ": " + segments.error(), "a template such as `/a/{id}/{rest...}`");
      }
    }
    for (const Predicate& predicate : match.predicates) check_key(predicate);
  }

  void check_key(const Predicate& predicate) {
    switch (predicate.source) {
      case Predicate::Source::header:
        if (!is_token(predicate.key) || predicate.key.size() > kMaxHeaderName) {
          fault("the header " + quoted(predicate.key), "the name of a header, at most 128 bytes");
        }
        break;
      case Predicate::Source::cookie:
        if (!is_token(predicate.key)) fault("the cookie " + quoted(predicate.key), "the name of a cookie");
        break;
      case Predicate::Source::json_pointer:
        if (!parse_json_pointer(predicate.key)) {
          fault("the JSON pointer " + quoted(predicate.key), "a pointer such as `/params/0` (RFC 6901)");
        }
        break;
      case Predicate::Source::query:
      case Predicate::Source::form:
        if (predicate.key.empty()) fault("an empty name", "the name of a parameter or field");
        break;
      case Predicate::Source::json_rpc:
      case Predicate::Source::soap_action:
      case Predicate::Source::xml_root:
        break;
    }
  }

  std::unordered_set<std::string> upstreams_;
  std::unordered_map<std::string, std::size_t> names_;
  std::vector<CatalogFault> faults_;
  std::size_t at_ = 0;
  std::optional<std::size_t> match_;
};

}  // namespace

std::vector<CatalogFault> validate(const std::vector<FunctionSpec>& functions,
                                   const std::vector<std::string>& upstreams, std::string_view default_legacy) {
  Validation validation(upstreams);
  for (std::size_t i = 0; i < functions.size(); ++i) validation.check(functions[i], i);
  validation.check_default(default_legacy, functions.size());
  return validation.take();
}

}  // namespace banyan::catalog
