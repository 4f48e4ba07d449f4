// The functions of the settings file: what recognises them and where they stand.
#include <algorithm>
#include <cctype>
#include <functional>
#include <utility>

#include "gateway/app/settings_schema.hpp"
#include "gateway/base/nearest.hpp"
#include "gateway/base/yaml_scalars.hpp"
#include "migration/catalog/validate.hpp"

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
constexpr std::string_view kLegacy = "legacy";  // the upstream of everything unmapped

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

Reader<Placed<std::string>> modern() {
  using Target = Placed<std::string>;
  return yaml::object<Target>("a modern side")
      .optional(
          "upstream", [](Target& out) -> Target& { return out; }, placed(yaml::text()))
      .refused("module", "modules come with a later version", "modern: {upstream: NAME}")
      .check([](const Node& node, const Target& target) {
        if (!target.node) node.missing("upstream", "a name under upstreams");
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
void check_percent(const FunctionEntry& entry) {
  if (entry.stage.faulty || entry.percent.faulty) return;
  const Stage stage = entry.stage.value;
  if (stage == Stage::canary && !entry.percent.node) {
    entry.node->fault("initial_stage: canary without a share", "the key initial_percent");
  }
  if (stage != Stage::canary && entry.percent.value > 0) {
    entry.node->fault("initial_percent with initial_stage: " + std::string(to_string(stage)), "initial_stage: canary");
  }
}

// Reports a name that is no upstream.
void check_upstream(const Placed<std::string>& reference, const std::vector<std::string>& upstreams) {
  if (!reference.is_known() || std::ranges::find(upstreams, reference.value) != upstreams.end()) return;
  const auto near = nearest(reference.value, upstreams);
  reference.node->fault("no upstream is called " + yaml::in_quotes(reference.value), "a name under upstreams",
                        near ? "did you mean \"" + *near + "\"?" : "");
}

// Reports references to upstreams that do not exist. What is wrong with a missing section has been said before.
void check_upstreams(const SettingsFile& file, const std::vector<std::string>& upstreams, const Node& root) {
  for (const auto& [key, node] : root.entries()) {
    if (key != "upstreams" || node.kind() != Node::Kind::mapping) continue;
    if (std::ranges::find(upstreams, kLegacy) == upstreams.end()) {
      node.fault("no upstream is called \"legacy\"", "one: it takes every request that no function recognises");
    }
    for (const FunctionEntry& entry : file.functions) {
      check_upstream(entry.legacy, upstreams);
      check_upstream(entry.modern.value, upstreams);
    }
  }
}

// Stands for a match that could not be read: it keeps the place, and its method, which no setting can name, keeps it
// from meeting the match of any other function. A path of its own saves comparing it with all others of its kind.
Match unreadable_match(std::size_t function) {
  Match match;
  match.methods = {"unreadable-" + std::to_string(function)};
  match.path = "/" + match.methods.front();
  return match;
}

enum class Part { good_matches, faulty_matches };

// The function with one part of its matches. What could not be read is replaced by something that is in order, so that
// the catalog finds the other faults and none twice.
FunctionSpec spec_of(const FunctionEntry& entry, std::size_t position, Part part,
                     const std::vector<std::string>& upstreams) {
  const auto upstream_of = [&](const Placed<std::string>& reference) {
    const bool exists = std::ranges::find(upstreams, reference.value) != upstreams.end();
    return exists ? reference.value : std::string(kLegacy);
  };
  FunctionSpec spec = entry.spec;
  if (spec.name.empty()) spec.name = entry.node->path();
  for (const Placed<Match>& match : entry.matches) {
    const bool is_wanted = match.faulty == (part == Part::faulty_matches);
    spec.matches.push_back(is_wanted ? match.value : unreadable_match(position));
  }
  if (spec.matches.empty()) spec.matches.push_back(unreadable_match(position));
  spec.legacy = upstream_of(entry.legacy);
  if (entry.modern.node) spec.modern = catalog::ModernTarget{upstream_of(entry.modern.value)};
  spec.stage = entry.stage.value;
  spec.percent = entry.percent.value;
  return spec;
}

void report(const std::vector<catalog::CatalogFault>& faults, const std::vector<FunctionEntry>& entries) {
  for (const catalog::CatalogFault& fault : faults) {
    const FunctionEntry& entry = entries.at(fault.function);
    const Node& node = fault.match ? *entry.matches.at(*fault.match).node : *entry.node;
    node.fault(fault.found, fault.expected);
  }
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
          .required("match", &FunctionEntry::matches, yaml::one_or_many(placed(match()), yaml::Faulty::kept))
          .optional(
              "entity", [](FunctionEntry & out) -> auto& { return out.spec.entity; }, yaml::text())
          .optional(
              "effect", [](FunctionEntry & out) -> auto& { return out.spec.effect; },
              yaml::choice<Effect>({{"read", Effect::read}, {"write", Effect::write}}))
          .optional(
              "record_ids", [](FunctionEntry & out) -> auto& { return out.spec.record_ids; }, yaml::text())
          .optional("legacy", &FunctionEntry::legacy, placed(yaml::text()))
          .optional("modern", &FunctionEntry::modern, placed(modern()))
          .optional("initial_stage", &FunctionEntry::stage, placed(initial_stage()))
          .optional("initial_percent", &FunctionEntry::percent, placed(yaml::percent()));
  auto read = [inner = mapping.read](const Node& node, FunctionEntry& out) {
    out.node = node;
    const std::size_t faults_before = node.faults_so_far();
    inner(node, out);
    // They are held against the entity and the paths, which may be what could not be read.
    if (node.faults_so_far() != faults_before) out.spec.record_ids.clear();
    check_percent(out);
  };
  return {std::move(read), mapping.what, mapping.keys};
}

std::shared_ptr<const catalog::RouteTable> compile_functions(const SettingsFile& file, const Node& root) {
  std::vector<std::string> upstreams;
  for (const auto& upstream : file.settings.proxy.upstreams) upstreams.push_back(upstream.name);
  check_upstreams(file, upstreams, root);
  if (std::ranges::find(upstreams, kLegacy) == upstreams.end()) upstreams.emplace_back(kLegacy);
  std::vector<FunctionSpec> good;
  std::vector<FunctionSpec> faulty;
  for (const FunctionEntry& entry : file.functions) {
    const std::size_t position = good.size();
    good.push_back(spec_of(entry, position, Part::good_matches, upstreams));
    faulty.push_back(spec_of(entry, position, Part::faulty_matches, upstreams));
  }
  // Of a faulty match only its own parts can be judged; everything else is said of the good ones.
  std::vector<catalog::CatalogFault> faults = catalog::validate(faulty, upstreams, kLegacy);
  std::erase_if(faults, [](const catalog::CatalogFault& fault) { return !fault.match; });
  report(faults, file.functions);
  catalog::CompileResult result = catalog::compile(std::move(good), upstreams, kLegacy);
  report(result.faults, file.functions);
  return result.table;
}

}  // namespace banyan::app
