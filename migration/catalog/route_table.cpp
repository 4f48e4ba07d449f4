#include "migration/catalog/route_table.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "migration/catalog/ambiguity.hpp"
#include "migration/catalog/decide.hpp"
#include "migration/catalog/evidence.hpp"
#include "migration/catalog/path.hpp"
#include "migration/catalog/predicate_index.hpp"
#include "migration/catalog/record_ids.hpp"
#include "migration/catalog/validate.hpp"

namespace banyan::catalog {
namespace {

constexpr std::uint32_t kNone = EdgeTable::kNone;
constexpr std::uint32_t kExactHosts = 0;     // nodes of the table of hosts
constexpr std::uint32_t kWildcardHosts = 1;  // labelled with what follows `*.`
constexpr std::size_t kMaxHost = 255;        // RFC 1035 section 3.1

// The host as functions write it: lower case, without the dot of a fully qualified name. Empty if it is too long.
std::string_view comparison_host(std::string_view host, std::array<char, kMaxHost>& buffer) {
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.size() > kMaxHost) return {};
  std::transform(host.begin(), host.end(), buffer.begin(), to_lower);
  return {buffer.data(), host.size()};
}

}  // namespace

// The leaves that a request may reach, by host and path, and the functions behind them.
class RouteTable::Index {
public:
  void add(const Match& match, FunctionId function, std::size_t position, AmbiguityCheck& ambiguity) {
    const std::uint32_t leaf = leaf_of(match);
    predicates_.add(leaf, match, function);
    ambiguity.add(leaf, match, function, position);
  }

  void finish(std::vector<Function> functions) {
    for (const Function& function : functions) id_places_.emplace_back(function.spec, predicates_);
    predicates_.finish();
    functions_ = std::move(functions);
  }

  const std::vector<Function>& functions() const { return functions_; }

  Recognition recognise(const RequestView& request, const BodyView& body) const {
    std::string path_buffer;
    const std::string_view path = comparison_form(request.path.empty() ? "/" : request.path, path_buffer);
    Evidence evidence(predicates_.fields(), request, body);
    PredicateIndex::Answer answer;
    const auto try_leaf = [&](std::uint32_t leaf) {
      answer = predicates_.find(leaf, request.method, body.state, evidence);
      return answer.needs_body || answer.function != kNone;
    };
    const auto try_host = [&](std::uint32_t host) {
      if (host == kNone) return false;
      if (paths_.visit(hosts_[host].paths, path, try_leaf)) return true;
      return hosts_[host].any_path != kNone && try_leaf(hosts_[host].any_path);
    };
    if (!try_named_hosts(request.host, try_host)) try_host(any_host_);
    if (answer.needs_body) return {0, true};
    Recognition found{answer.function != kNone ? answer.function : static_cast<FunctionId>(functions_.size() - 1)};
    const RecordIdPlace& ids = id_places_[found.function];
    found.needs_body =
        ids.in_body() && body.state == BodyView::State::unread && evidence.admits(Predicate::Source::json_pointer);
    if (ids.is_known() && !found.needs_body) found.record_ids = ids.read(path, evidence);
    return found;
  }

private:
  struct Host {
    std::uint32_t paths = kNone;     // root in paths_
    std::uint32_t any_path = kNone;  // leaf of the matches without a path
  };

  template <class Try>
  bool try_named_hosts(std::string_view raw, const Try& try_host) const {
    if (names_.empty()) return false;
    std::array<char, kMaxHost> buffer;
    const std::string_view host = comparison_host(raw, buffer);
    if (host.empty()) return false;
    if (try_host(names_.find(kExactHosts, host))) return true;
    // From the left: the longest suffix first.
    for (std::size_t dot = host.find('.', 1); dot != std::string_view::npos; dot = host.find('.', dot + 1)) {
      if (try_host(names_.find(kWildcardHosts, host.substr(dot + 1)))) return true;
    }
    return false;
  }

  std::uint32_t new_host() {
    hosts_.push_back({paths_.add_root(), kNone});
    return static_cast<std::uint32_t>(hosts_.size() - 1);
  }

  std::uint32_t host_of(const std::optional<std::string>& pattern) {
    if (!pattern) {
      if (any_host_ == kNone) any_host_ = new_host();
      return any_host_;
    }
    const bool wildcard = pattern->starts_with("*.");
    const std::string_view name = std::string_view(*pattern).substr(wildcard ? 2 : 0);
    const auto fresh = static_cast<std::uint32_t>(hosts_.size());
    const std::uint32_t host = names_.find_or_insert(wildcard ? kWildcardHosts : kExactHosts, name, {}, fresh);
    return host == fresh ? new_host() : host;
  }

  std::uint32_t leaf_of(const Match& match) {
    Host& host = hosts_[host_of(match.host)];
    if (match.path.empty()) {
      if (host.any_path == kNone) host.any_path = predicates_.add_leaf();
      return host.any_path;
    }
    const auto segments = parse_template(match.path);
    if (!segments) return kNone;  // validate() has refused it
    const std::uint32_t fresh = predicates_.leaf_count();
    const std::uint32_t leaf = paths_.find_or_insert(host.paths, *segments, fresh);
    return leaf == fresh ? predicates_.add_leaf() : leaf;
  }

  std::vector<Function> functions_;
  std::vector<RecordIdPlace> id_places_;  // one for each function
  EdgeTable names_;                       // host patterns
  std::vector<Host> hosts_;
  std::uint32_t any_host_ = kNone;
  PathTrie paths_;
  PredicateIndex predicates_;
};

RouteTable::RouteTable(std::unique_ptr<const Index> index) : index_(std::move(index)) {}

RouteTable::~RouteTable() = default;

Recognition RouteTable::recognise(const RequestView& request, const BodyView& body) const {
  return index_->recognise(request, body);
}

const std::vector<Function>& RouteTable::functions() const {
  return index_->functions();
}

CompileResult compile(std::vector<FunctionSpec> functions, const std::vector<std::string>& upstreams,
                      std::string_view default_legacy) {
  CompileResult result;
  result.faults = validate(functions, upstreams, default_legacy);
  std::set<std::pair<std::size_t, std::size_t>> faulty;  // matches: they say nothing about what they would recognise
  for (const CatalogFault& fault : result.faults) {
    if (fault.match) faulty.emplace(fault.function, *fault.match);
  }
  auto index = std::make_unique<RouteTable::Index>();
  AmbiguityCheck ambiguity;
  for (std::size_t i = 0; i < functions.size(); ++i) {
    const std::vector<Match>& matches = functions[i].matches;
    for (std::size_t k = 0; k < matches.size(); ++k) {
      if (!faulty.contains({i, k})) index->add(matches[k], static_cast<FunctionId>(i), k, ambiguity);
    }
  }
  for (CatalogFault& fault : ambiguity.faults(functions)) result.faults.push_back(std::move(fault));
  if (!result.faults.empty()) return result;
  FunctionSpec unmapped;
  unmapped.name = kUnmapped;
  unmapped.legacy = default_legacy;
  functions.push_back(std::move(unmapped));
  const auto position = [&](const std::string& name) {
    return static_cast<std::uint32_t>(std::find(upstreams.begin(), upstreams.end(), name) - upstreams.begin());
  };
  std::vector<Function> resolved;
  for (FunctionSpec& spec : functions) {
    Function function;
    function.split_seed = split_seed_of(spec);
    function.legacy_upstream = position(spec.legacy);
    if (spec.modern) function.modern_upstream = position(spec.modern->upstream);
    function.spec = std::move(spec);
    resolved.push_back(std::move(function));
  }
  index->finish(std::move(resolved));
  result.table.reset(new RouteTable(std::move(index)));
  return result;
}

}  // namespace banyan::catalog
