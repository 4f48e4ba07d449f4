// The functions of the settings file: what recognises them and where they stand.
#include <algorithm>
#include <cctype>
#include <functional>
#include <utility>

#include "gateway/app/settings_schema.hpp"
#include "gateway/base/nearest.hpp"
#include "gateway/base/yaml_scalars.hpp"

namespace banyan::app {
namespace {

using catalog::Effect;
using catalog::FunctionSpec;
using catalog::Match;
using catalog::Predicate;
using catalog::Stage;
using catalog::TextPattern;
using yaml::Node;
using yaml::Reader;

constexpr std::size_t kLongestName = 128;

// A plain text: what it looks like is what it is.
TextPattern guess_pattern(std::string_view text) {
  using Kind = TextPattern::Kind;
  if (text == "*") return {Kind::present, {}};
  const std::size_t wild = text.find_first_of("*?");
  if (wild == std::string_view::npos) return {Kind::equals, std::string(text)};
  if (text[wild] == '*' && wild + 1 == text.size()) return {Kind::prefix, std::string(text.substr(0, wild))};
  return {Kind::glob, std::string(text)};
}

Reader<TextPattern> explicit_pattern() {
  const auto whole = [](TextPattern& out) -> TextPattern& { return out; };
  const auto kind = [](TextPattern::Kind value) {
    return yaml::transform<std::string, TextPattern>(yaml::text(), [value](std::string text) {
      return TextPattern{value, std::move(text)};
    });
  };
  const auto present = yaml::transform<bool, TextPattern>(yaml::choice<bool>({{"true", true}}), [](bool) {
    return TextPattern{TextPattern::Kind::present, {}};
  });
  return yaml::object<TextPattern>("a pattern")
      .optional("equals", whole, kind(TextPattern::Kind::equals))
      .optional("prefix", whole, kind(TextPattern::Kind::prefix))
      .optional("glob", whole, kind(TextPattern::Kind::glob))
      .optional("present", whole, present);
}

Reader<std::string> method() {
  return yaml::scalar<std::string>("an HTTP method such as GET",
                                   [](std::string_view text) -> std::optional<std::string> {
                                     const bool is_method = !text.empty() && std::ranges::all_of(text, [](char c) {
                                       return (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
                                     });
                                     return is_method ? std::optional<std::string>(text) : std::nullopt;
                                   });
}

Reader<std::string> host() {
  return yaml::scalar<std::string>(
      "a host without a port, such as crm.example.com or *.example.com",
      [](std::string_view text) -> std::optional<std::string> {
        std::string lower(text);
        for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        const std::string_view rest = std::string_view(lower).substr(lower.starts_with("*.") ? 2 : 0);
        constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789-._";
        const bool is_ipv6 = rest.starts_with('[') && rest.ends_with(']');
        if (rest.empty() || (!is_ipv6 && rest.find_first_not_of(kAllowed) != std::string_view::npos))
          return std::nullopt;
        return lower;
      });
}

Reader<std::string> path_template() {
  return yaml::scalar<std::string>("a path that starts with /, such as /parties/{id}",
                                   [](std::string_view text) -> std::optional<std::string> {
                                     if (!text.starts_with('/') && text != "*") return std::nullopt;
                                     return std::string(text);
                                   });
}

// {X-Client: "mobile*"}: one predicate for each key.
Reader<std::vector<Predicate>> keyed_predicates(Predicate::Source source) {
  const Reader<TextPattern> pattern = pattern_schema();
  auto read = [source, pattern](const Node& node, std::vector<Predicate>& out) {
    if (node.kind() != Node::Kind::mapping) {
      node.fault(node.describe(), "a mapping from keys to patterns");
      return;
    }
    for (const auto& [key, child] : node.entries()) {
      Predicate predicate{source, key, {}};
      if (source == Predicate::Source::json_pointer && !key.empty() && !key.starts_with('/')) {
        child.fault(yaml::in_quotes(key) + " as the key", "a JSON pointer such as \"/params/0\"");
        continue;
      }
      pattern.read(child, predicate.pattern);
      out.push_back(std::move(predicate));
    }
  };
  return {std::move(read), "a mapping from keys to patterns", {}};
}

Reader<std::vector<Predicate>> lone_predicate(Predicate::Source source) {
  const Reader<TextPattern> pattern = pattern_schema();
  auto read = [source, pattern](const Node& node, std::vector<Predicate>& out) {
    Predicate predicate{source, {}, {}};
    pattern.read(node, predicate.pattern);
    out.push_back(std::move(predicate));
  };
  return {std::move(read), pattern.what, {}};
}

Reader<Match> match() {
  using Source = Predicate::Source;
  const Reader<Match> mapping = yaml::object<Match>("a match")
                                    .optional("method", &Match::methods, yaml::one_or_many(method()))
                                    .optional("host", &Match::host, yaml::maybe(host()))
                                    .optional("path", &Match::path, path_template())
                                    .optional("query", &Match::predicates, keyed_predicates(Source::query))
                                    .optional("header", &Match::predicates, keyed_predicates(Source::header))
                                    .optional("cookie", &Match::predicates, keyed_predicates(Source::cookie))
                                    .optional("json", &Match::predicates, keyed_predicates(Source::json_pointer))
                                    .optional("jsonrpc", &Match::predicates, lone_predicate(Source::json_rpc))
                                    .optional("form", &Match::predicates, keyed_predicates(Source::form))
                                    .optional("soap_action", &Match::predicates, lone_predicate(Source::soap_action))
                                    .optional("xml_root", &Match::predicates, lone_predicate(Source::xml_root));
  auto read = [inner = mapping.read](const Node& node, Match& out) {
    inner(node, out);
    if (node.kind() == Node::Kind::mapping && node.entries().empty()) {
      node.fault("a match without a condition", "at least a path or a method");
    }
  };
  return {std::move(read), mapping.what, mapping.keys};
}

template <typename T>
Reader<Placed<T>> placed(Reader<T> reader) {
  auto read = [inner = reader.read](const Node& node, Placed<T>& out) {
    out.node = node;
    inner(node, out.value);
  };
  return {std::move(read), reader.what, reader.keys};
}

Reader<Placed<std::string>> modern() {
  using Target = Placed<std::string>;
  return yaml::object<Target>("a modern side")
      .optional(
          "upstream", [](Target& out) -> Target& { return out; }, placed(yaml::text()))
      .refused("module", "modules come with a later version; use modern: {upstream: NAME}")
      .check([](const Node& node, const Target& target) {
        if (!target.node) node.fault("the key upstream is missing", {});
      });
}

Reader<std::string> function_name() {
  return yaml::scalar<std::string>(
      "a name of at most 128 letters, digits and ._-", [](std::string_view text) -> std::optional<std::string> {
        const bool is_name = !text.empty() && text.size() <= kLongestName && std::ranges::all_of(text, [](char c) {
          return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' || c == '-';
        });
        return is_name ? std::optional<std::string>(text) : std::nullopt;
      });
}

Reader<Stage> initial_stage() {
  const Reader<Stage> known = yaml::choice<Stage>(
      {{"legacy", Stage::legacy}, {"canary", Stage::canary}, {"modern", Stage::modern}, {"retired", Stage::retired}});
  auto read = [known](const Node& node, Stage& out) {
    if (node.scalar() == "shadow") {
      node.fault("the stage shadow comes with a later version", known.what);
    } else {
      known.read(node, out);
    }
  };
  return {std::move(read), known.what, {}};
}

// A canary without a share would be legacy in disguise, and a share without a canary would do nothing.
void check_percent(const Node& node, const FunctionEntry& entry) {
  const Stage stage = entry.spec.stage;
  if (stage == Stage::canary && !entry.percent) {
    node.fault("initial_stage: canary without a share", "the key initial_percent");
  }
  if (stage != Stage::canary && entry.percent.value_or(0) > 0) {
    node.fault("initial_percent with initial_stage: " + std::string(to_string(stage)), "initial_stage: canary");
  }
}

// Reports a name that is no upstream; an absent reference is in order.
bool is_upstream(const Placed<std::string>& reference, const std::vector<std::string>& upstreams) {
  if (!reference.node || std::ranges::find(upstreams, reference.value) != upstreams.end()) return true;
  const auto near = nearest(reference.value, upstreams);
  reference.node->fault("no upstream is called " + yaml::in_quotes(reference.value), "a name under upstreams",
                        near ? "did you mean \"" + *near + "\"?" : "");
  return false;
}

FunctionSpec spec_of(const FunctionEntry& entry) {
  FunctionSpec spec = entry.spec;
  for (const auto& match : entry.matches) spec.matches.push_back(match.value);
  if (entry.legacy.node) spec.legacy = entry.legacy.value;
  if (entry.modern.node) spec.modern = catalog::ModernTarget{entry.modern.value};
  spec.percent = entry.percent.value_or(0);
  return spec;
}

// Whether the upstream of everything unmapped exists. What is wrong with a missing section has been said before.
bool has_legacy_upstream(const std::vector<std::string>& upstreams, const Node& root) {
  if (std::ranges::find(upstreams, "legacy") != upstreams.end()) return true;
  for (const auto& [key, node] : root.entries()) {
    if (key == "upstreams" && node.kind() == Node::Kind::mapping) {
      node.fault("no upstream is called \"legacy\"", "one: it takes every request that no function recognises");
    }
  }
  return false;
}

}  // namespace

Reader<TextPattern> pattern_schema() {
  const Reader<TextPattern> mapping = explicit_pattern();
  const std::string what = "a text, or one of {equals: …}, {prefix: …}, {glob: …} or {present: true}";
  auto read = [inner = mapping.read, what](const Node& node, TextPattern& out) {
    if (node.kind() == Node::Kind::scalar) {
      out = guess_pattern(node.scalar());
    } else if (node.kind() == Node::Kind::mapping && node.entries().size() == 1) {
      inner(node, out);
    } else {
      node.fault(node.describe(), what);
    }
  };
  return {std::move(read), what, {}};
}

Reader<FunctionEntry> function_schema() {
  const Reader<FunctionEntry> mapping =
      yaml::object<FunctionEntry>("a function")
          .required(
              "name", [](FunctionEntry & out) -> auto& { return out.spec.name; }, function_name())
          .required("match", &FunctionEntry::matches, yaml::one_or_many(placed(match())))
          .optional(
              "entity", [](FunctionEntry & out) -> auto& { return out.spec.entity; }, yaml::text())
          .optional(
              "effect", [](FunctionEntry & out) -> auto& { return out.spec.effect; },
              yaml::choice<Effect>({{"read", Effect::read}, {"write", Effect::write}}))
          .optional("legacy", &FunctionEntry::legacy, placed(yaml::text()))
          .optional("modern", &FunctionEntry::modern, modern())
          .optional(
              "initial_stage", [](FunctionEntry & out) -> auto& { return out.spec.stage; }, initial_stage())
          .optional("initial_percent", &FunctionEntry::percent, yaml::maybe(yaml::percent()))
          .check(check_percent);
  auto read = [inner = mapping.read](const Node& node, FunctionEntry& out) {
    out.node = node;
    inner(node, out);
  };
  return {std::move(read), mapping.what, mapping.keys};
}

std::shared_ptr<const catalog::RouteTable> compile_functions(const SettingsFile& file, const Node& root) {
  std::vector<std::string> upstreams;
  for (const auto& upstream : file.settings.proxy.upstreams) upstreams.push_back(upstream.name);
  std::vector<FunctionSpec> specs;
  std::vector<const FunctionEntry*> entries;
  for (const FunctionEntry& entry : file.functions) {
    const bool has_legacy = is_upstream(entry.legacy, upstreams);
    const bool has_modern = is_upstream(entry.modern, upstreams);
    if (!has_legacy || !has_modern) continue;
    specs.push_back(spec_of(entry));
    entries.push_back(&entry);
  }
  if (!has_legacy_upstream(upstreams, root)) return nullptr;
  catalog::CompileResult result = catalog::compile(std::move(specs), upstreams);
  for (const catalog::CatalogFault& fault : result.faults) {
    const FunctionEntry& entry = *entries.at(fault.function);
    const Node& node = fault.match ? *entry.matches.at(*fault.match).node : *entry.node;
    node.fault(fault.found, fault.expected);
  }
  return result.table;
}

}  // namespace banyan::app
