// A mapping held against what its legacy system is known to have.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "adapters/sync/mapping.hpp"

namespace banyan::sync {

// Record types and the fields that are declared for each. No fields: the system does not say which there are.
using LegacyShape = std::map<std::string, std::vector<std::string>>;

// As without a shape; besides, a record type or a field that the system does not have is a fault.
tl::expected<Mapping, std::vector<yaml::Fault>> load_mapping(const std::string& path, const std::string& system,
                                                             const records::Ontology& ontology,
                                                             const LegacyShape& shape);
tl::expected<Mapping, std::vector<yaml::Fault>> parse_mapping(const std::string& text, const std::string& file,
                                                              const std::string& system,
                                                              const records::Ontology& ontology,
                                                              const LegacyShape& shape);

}  // namespace banyan::sync
