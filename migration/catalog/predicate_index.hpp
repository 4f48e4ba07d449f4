// PredicateIndex: finds, among the functions that share one path (a leaf), those whose method and predicates hold.
//
// Matches that ask for the same things in the same way form a shape. Each shape is a trie: one level for the method,
// one for each predicate, and the edges are the texts asked for, found by hash. So a request pays for the shapes of a
// leaf, not for its functions. Only globs with wildcards inside are compared one by one, and only those whose literal
// beginning and end fit.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "migration/catalog/edge_table.hpp"
#include "migration/catalog/evidence.hpp"
#include "migration/catalog/function.hpp"
#include "migration/catalog/text_pattern.hpp"

namespace banyan::catalog {

// Specificity below host and path; greater is more specific (docs/reference/matching.md).
struct MatchRank {
  bool method = false;  // methods are listed
  std::uint32_t body = 0;
  std::uint32_t header = 0;  // SOAPAction too
  std::uint32_t cookie = 0;
  std::uint32_t query = 0;
  std::uint32_t equals = 0;
  std::uint32_t affix = 0;  // prefixes and globs
  std::uint64_t literal_bytes = 0;

  auto operator<=>(const MatchRank&) const = default;
};

MatchRank rank_of(const Match& match);

class PredicateIndex {
public:
  static constexpr std::uint32_t kNone = EdgeTable::kNone;

  // What a leaf says about a request.
  struct Answer {
    std::uint32_t function = kNone;  // the most specific; among equals the one with the lowest number
    bool needs_body = false;         // a more specific one may be found with the body
  };

  std::uint32_t add_leaf();
  std::uint32_t leaf_count() const { return static_cast<std::uint32_t>(leaves_.size()); }
  const Fields& fields() const { return fields_; }
  std::uint32_t add_record_ids(std::string_view pointer) { return fields_.add_record_ids(pointer); }
  void add(std::uint32_t leaf, const Match& match, std::uint32_t function);
  void finish();  // after the last add(), before the first find()

  Answer find(std::uint32_t leaf, std::string_view method, BodyView::State body, Evidence& evidence) const;

private:
  struct Step {
    Predicate::Source source = Predicate::Source::header;
    std::uint32_t field = 0;
    PatternForm::Kind kind = PatternForm::Kind::present;
    std::size_t prefix = 0;  // affix: bytes of the label that are the text's beginning
    std::size_t suffix = 0;
    bool residual = false;  // affix: what is between must be compared too

    auto operator<=>(const Step&) const = default;
  };

  struct Shape {
    MatchRank rank;
    std::vector<Step> steps;  // those that need the body come last

    auto operator<=>(const Shape&) const = default;
  };

  struct Tree {
    Shape shape;
    std::uint32_t root = 0;
    std::size_t first_body_step = 0;
  };

  struct Residual {
    std::string glob;
    std::uint32_t node = 0;
  };

  struct Node {
    std::uint32_t function = kNone;
    std::vector<Residual> residuals;
  };

  struct Search;

  std::uint32_t add_node();
  std::uint32_t tree_of(std::uint32_t leaf, const Shape& shape);
  std::uint32_t child_of(std::uint32_t node, const Step& step, const PatternForm& form);
  void walk(const Tree& tree, std::size_t step, std::uint32_t node, Search& search) const;
  void follow(const Tree& tree, std::size_t step, std::uint32_t node, const Finding& finding, Search& search) const;
  static bool may_enter_body(const Tree& tree, Search& search);

  Fields fields_;
  std::vector<std::vector<Tree>> leaves_;  // trees of a leaf, highest rank first
  std::vector<Node> nodes_;
  EdgeTable edges_;
  std::map<std::pair<std::uint32_t, Shape>, std::uint32_t> roots_;  // while adding
};

}  // namespace banyan::catalog
