// What the capability flags of a record type mean for the people whose records they are.
#pragma once

#include <string>
#include <vector>

#include "adapters/legacy/legacy_system.hpp"

namespace banyan::legacy {

// One plain sentence per flag, in a fixed order: what holds, and what can still go wrong. For `banyan sync status`.
std::vector<std::string> guarantees(const Capabilities& capabilities);

}  // namespace banyan::legacy
