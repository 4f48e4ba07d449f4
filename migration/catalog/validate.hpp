// What is wrong with functions before they can be compiled.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "migration/catalog/function.hpp"
#include "migration/catalog/route_table.hpp"

namespace banyan::catalog {

// Every fault that can be seen in a function alone or in its name. `default_legacy` must be an upstream too; if it is
// not, the fault is at the position behind the last function (`unmapped`).
std::vector<CatalogFault> validate(const std::vector<FunctionSpec>& functions,
                                   const std::vector<std::string>& upstreams, std::string_view default_legacy);

}  // namespace banyan::catalog
