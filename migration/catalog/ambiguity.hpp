// AmbiguityCheck: finds functions between which the order of specificity cannot choose.
//
// Two matches are ambiguous if they belong to different functions, lead to the same leaf (host and path), have the same
// rank, and some request with one value in each place fits both. Matches of different leaves never are: the order of
// hosts and paths decides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "migration/catalog/predicate_index.hpp"
#include "migration/catalog/route_table.hpp"

namespace banyan::catalog {

class AmbiguityCheck {
public:
  // `position`: of the match in its function. `match` must outlive faults().
  void add(std::uint32_t leaf, const Match& match, FunctionId function, std::size_t position);

  // At most one fault for each match: the first earlier function that it cannot be told from.
  std::vector<CatalogFault> faults(const std::vector<FunctionSpec>& functions) const;

private:
  struct Candidate {
    const Match* match = nullptr;
    FunctionId function = 0;
    std::size_t position = 0;  // of the match in its function
  };

  std::map<std::pair<std::uint32_t, MatchRank>, std::vector<Candidate>> peers_;
};

}  // namespace banyan::catalog
