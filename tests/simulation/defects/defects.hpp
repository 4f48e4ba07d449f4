// Planted defects: mistakes that somebody could make in adapters/sync, each switched on by its name. Only the mutated
// copies of the sources (mutate.py) ask; the product knows nothing of them.
#pragma once

#include <string_view>

namespace banyan::defects {

// The name of the defect that is on; empty: none. Set once, before anything runs.
void turn_on(std::string_view name);
bool on(std::string_view name);

}  // namespace banyan::defects
