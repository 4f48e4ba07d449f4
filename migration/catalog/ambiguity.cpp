#include "migration/catalog/ambiguity.hpp"

#include <algorithm>
#include <unordered_map>

#include "migration/catalog/text_pattern.hpp"

namespace banyan::catalog {
namespace {

using Source = Predicate::Source;

// The method of a JSON-RPC call is the member `/method`: predicates on both look at one place.
bool same_place(const Predicate& a, const Predicate& b) {
  const auto place = [](const Predicate& p) {
    const bool rpc = p.source == Source::json_rpc;
    return std::pair(rpc ? Source::json_pointer : p.source,
                     rpc ? std::string_view("/method") : std::string_view(p.key));
  };
  if (a.source == Source::header && b.source == Source::header) return equals_ignoring_case(a.key, b.key);
  return place(a) == place(b);
}

// A body is JSON, a form or XML, never two of them.
bool exclude_each_other(Source a, Source b) {
  const auto language = [](Source source) { return source == Source::json_rpc ? Source::json_pointer : source; };
  return needs_body(a) && needs_body(b) && language(a) != language(b);
}

bool share_method(const Match& a, const Match& b) {
  if (a.methods.empty() || b.methods.empty()) return true;
  return std::any_of(a.methods.begin(), a.methods.end(), [&](const std::string& method) {
    return std::find(b.methods.begin(), b.methods.end(), method) != b.methods.end();
  });
}

bool can_both_match(const Match& a, const Match& b) {
  if (!share_method(a, b)) return false;
  for (const Predicate& x : a.predicates) {
    for (const Predicate& y : b.predicates) {
      if (exclude_each_other(x.source, y.source)) return false;
      if (same_place(x, y) && !can_overlap(x.pattern, y.pattern)) return false;
    }
  }
  return true;
}

// What all matches that could meet `match` must agree on, if they are built alike: the texts of its `equals`
// predicates. Matches are compared with each other only within such a group, or if they are built differently.
struct Likeness {
  std::string places;  // which places are compared for equality
  std::string texts;   // and with what
};

void append_part(std::string& out, std::string_view part) {
  out.append(std::to_string(part.size())).append(":").append(part);
}

Likeness likeness_of(const Match& match) {
  std::vector<std::pair<std::string, std::string>> equal;
  for (const Predicate& predicate : match.predicates) {
    PatternForm form = form_of(predicate.pattern);
    // The literal beginning tells prefixes and globs of one length apart as well.
    if (form.kind == PatternForm::Kind::present) continue;
    std::string place = std::to_string(static_cast<int>(predicate.source));
    append_part(place, predicate.key);
    if (form.kind == PatternForm::Kind::affix) {
      place += "^" + std::to_string(form.prefix.size()) + "$" + std::to_string(form.suffix.size());
    }
    append_part(form.prefix, form.suffix);
    equal.emplace_back(std::move(place), std::move(form.prefix));
  }
  std::sort(equal.begin(), equal.end());
  Likeness likeness;
  for (const auto& [place, text] : equal) {
    append_part(likeness.places, place);
    append_part(likeness.texts, text);
  }
  return likeness;
}

}  // namespace

void AmbiguityCheck::add(std::uint32_t leaf, const Match& match, FunctionId function, std::size_t position) {
  peers_[{leaf, rank_of(match)}].push_back({&match, function, position});
}

std::vector<CatalogFault> AmbiguityCheck::faults(const std::vector<FunctionSpec>& functions) const {
  std::vector<CatalogFault> faults;
  for (const auto& [key, candidates] : peers_) {
    // places -> texts -> those seen so far
    std::map<std::string, std::unordered_map<std::string, std::vector<Candidate>>> seen;
    for (const Candidate& candidate : candidates) {
      const Likeness likeness = likeness_of(*candidate.match);
      const Candidate* rival = nullptr;
      const auto look_in = [&](const std::vector<Candidate>& group) {
        for (const Candidate& other : group) {
          if (rival != nullptr) return;
          const bool ambiguous = other.function != candidate.function && can_both_match(*other.match, *candidate.match);
          if (ambiguous) rival = &other;
        }
      };
      for (const auto& [places, groups] : seen) {
        if (places != likeness.places) {
          for (const auto& [texts, group] : groups) look_in(group);
        } else if (const auto alike = groups.find(likeness.texts); alike != groups.end()) {
          look_in(alike->second);
        }
      }
      if (rival != nullptr) {
        faults.push_back({candidate.function, candidate.position,
                          "`" + functions[candidate.function].name + "` and `" + functions[rival->function].name +
                              "` (match " + std::to_string(rival->position + 1) +
                              ") can match the same request and are equally specific",
                          "a difference in host, path, method or predicates by which one of them is chosen"});
      }
      seen[likeness.places][likeness.texts].push_back(candidate);
    }
  }
  std::sort(faults.begin(), faults.end(), [](const CatalogFault& a, const CatalogFault& b) {
    return std::pair(a.function, a.match) < std::pair(b.function, b.match);
  });
  return faults;
}

}  // namespace banyan::catalog
