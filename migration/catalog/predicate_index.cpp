#include "migration/catalog/predicate_index.hpp"

#include <algorithm>
#include <utility>

namespace banyan::catalog {

struct PredicateIndex::Search {
  BodyView::State body;
  Evidence& evidence;
  Answer answer;
};

MatchRank rank_of(const Match& match) {
  MatchRank rank;
  rank.method = !match.methods.empty();
  for (const Predicate& predicate : match.predicates) {
    switch (predicate.source) {
      case Predicate::Source::query:
        ++rank.query;
        break;
      case Predicate::Source::cookie:
        ++rank.cookie;
        break;
      case Predicate::Source::header:
      case Predicate::Source::soap_action:
        ++rank.header;
        break;
      case Predicate::Source::json_pointer:
      case Predicate::Source::json_rpc:
      case Predicate::Source::form:
      case Predicate::Source::xml_root:
        ++rank.body;
        break;
    }
    const PatternForm form = form_of(predicate.pattern);
    if (form.kind == PatternForm::Kind::equals) ++rank.equals;
    if (form.kind == PatternForm::Kind::affix) ++rank.affix;
    rank.literal_bytes += form.literal_bytes;
  }
  return rank;
}

std::uint32_t PredicateIndex::add_leaf() {
  leaves_.emplace_back();
  return static_cast<std::uint32_t>(leaves_.size() - 1);
}

std::uint32_t PredicateIndex::add_node() {
  nodes_.emplace_back();
  return static_cast<std::uint32_t>(nodes_.size() - 1);
}

std::uint32_t PredicateIndex::tree_of(std::uint32_t leaf, const Shape& shape) {
  const auto [at, is_new] = roots_.try_emplace({leaf, shape}, static_cast<std::uint32_t>(nodes_.size()));
  if (!is_new) return at->second;
  Tree tree;
  tree.shape = shape;
  tree.root = add_node();
  const auto body =
      std::find_if(shape.steps.begin(), shape.steps.end(), [](const Step& step) { return needs_body(step.source); });
  tree.first_body_step = static_cast<std::size_t>(body - shape.steps.begin());
  leaves_[leaf].push_back(std::move(tree));
  return at->second;
}

std::uint32_t PredicateIndex::child_of(std::uint32_t node, const Step& step, const PatternForm& form) {
  if (step.kind == PatternForm::Kind::present) return node;
  const auto fresh = static_cast<std::uint32_t>(nodes_.size());
  const std::uint32_t child = edges_.find_or_insert(node, form.prefix, form.suffix, fresh);
  if (child == fresh) add_node();
  if (!step.residual) return child;
  for (const Residual& residual : nodes_[child].residuals) {
    if (residual.glob == form.residual) return residual.node;
  }
  const std::uint32_t behind = add_node();
  nodes_[child].residuals.push_back({form.residual, behind});
  return behind;
}

void PredicateIndex::add(std::uint32_t leaf, const Match& match, std::uint32_t function) {
  std::vector<std::pair<Step, PatternForm>> asked;
  for (const Predicate& predicate : match.predicates) {
    PatternForm form = form_of(predicate.pattern);
    Step step;
    step.source = predicate.source;
    step.field = fields_.add(predicate.source, predicate.key);
    step.kind = form.kind;
    if (form.kind == PatternForm::Kind::affix) {
      step.prefix = form.prefix.size();
      step.suffix = form.suffix.size();
      step.residual = !form.residual.empty();
    }
    asked.emplace_back(step, std::move(form));
  }
  std::sort(asked.begin(), asked.end(), [](const auto& a, const auto& b) {
    const auto key = [](const auto& x) { return std::tie(x.first, x.second.prefix, x.second.suffix); };
    const bool a_body = needs_body(a.first.source);
    const bool b_body = needs_body(b.first.source);
    return a_body != b_body ? b_body : key(a) < key(b);
  });
  Shape shape;
  shape.rank = rank_of(match);
  for (const auto& [step, form] : asked) shape.steps.push_back(step);
  const std::uint32_t root = tree_of(leaf, shape);
  const std::vector<std::string> any_method(1);
  for (const std::string& method : match.methods.empty() ? any_method : match.methods) {
    std::uint32_t node = root;
    if (shape.rank.method) {
      const auto fresh = static_cast<std::uint32_t>(nodes_.size());
      node = edges_.find_or_insert(root, method, {}, fresh);
      if (node == fresh) add_node();
    }
    for (const auto& [step, form] : asked) node = child_of(node, step, form);
    nodes_[node].function = std::min(nodes_[node].function, function);
  }
}

void PredicateIndex::finish() {
  roots_.clear();
  for (std::vector<Tree>& trees : leaves_) {
    std::stable_sort(trees.begin(), trees.end(),
                     [](const Tree& a, const Tree& b) { return a.shape.rank > b.shape.rank; });
  }
}

PredicateIndex::Answer PredicateIndex::find(std::uint32_t leaf, std::string_view method, BodyView::State body,
                                            Evidence& evidence) const {
  Search search{body, evidence, {}};
  const MatchRank* found_at = nullptr;
  for (const Tree& tree : leaves_[leaf]) {
    if (found_at != nullptr && tree.shape.rank < *found_at) break;
    std::uint32_t node = tree.root;
    if (tree.shape.rank.method && (node = edges_.find(node, method)) == kNone) continue;
    walk(tree, 0, node, search);
    if (search.answer.needs_body) break;
    if (search.answer.function != kNone) found_at = &tree.shape.rank;
  }
  return search.answer;
}

bool PredicateIndex::may_enter_body(const Tree& tree, Search& search) {
  if (search.body == BodyView::State::unavailable) return false;
  for (std::size_t at = tree.first_body_step; at < tree.shape.steps.size(); ++at) {
    if (!search.evidence.admits(tree.shape.steps[at].source)) return false;
  }
  search.answer.needs_body = search.body == BodyView::State::unread;
  return !search.answer.needs_body;
}

void PredicateIndex::walk(const Tree& tree, std::size_t at, std::uint32_t node, Search& search) const {
  if (at == tree.shape.steps.size()) {
    search.answer.function = std::min(search.answer.function, nodes_[node].function);
    return;
  }
  if (at == tree.first_body_step && !may_enter_body(tree, search)) return;
  const Step& step = tree.shape.steps[at];
  const auto& findings = search.evidence.gather(step.source);
  // By position: deeper levels may add findings and move them.
  for (std::size_t i = 0; i < findings.size() && !search.answer.needs_body; ++i) {
    const Finding finding = findings[i];
    if (finding.field != step.field) continue;
    if (step.kind == PatternForm::Kind::present) return walk(tree, at + 1, node, search);
    if (finding.is_scalar) follow(tree, at, node, finding, search);
  }
}

void PredicateIndex::follow(const Tree& tree, std::size_t at, std::uint32_t node, const Finding& finding,
                            Search& search) const {
  const Step& step = tree.shape.steps[at];
  std::uint32_t child = kNone;
  if (step.kind == PatternForm::Kind::equals) {
    child = edges_.find(node, finding.text);
  } else if (finding.text.size() >= step.prefix + step.suffix) {
    child =
        edges_.find(node, finding.text.substr(0, step.prefix), finding.text.substr(finding.text.size() - step.suffix));
  }
  if (child == kNone) return;
  if (!step.residual) return walk(tree, at + 1, child, search);
  for (const Residual& residual : nodes_[child].residuals) {
    if (glob_matches(residual.glob, finding.text)) walk(tree, at + 1, residual.node, search);
  }
}

}  // namespace banyan::catalog
