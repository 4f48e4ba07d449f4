// From what a mapping file says to streams that run, held against the ontology. Internal to the reading.
#pragma once

#include <string>
#include <vector>

#include "adapters/records/ontology.hpp"
#include "adapters/sync/mapping.hpp"
#include "adapters/sync/mapping_field.hpp"
#include "adapters/sync/mapping_schema.hpp"

namespace banyan::sync {

// Reports every fault on the nodes of the file. With faults the result is of no use.
Mapping compile_mapping(const MappingFile& file, const std::string& system, const records::Ontology& ontology);

// What a field's entry is compiled with.
struct FieldContext {
  const MappingFile& file;
  const StreamEntry& stream;
  const records::Entity& entity;
  const std::vector<std::shared_ptr<LegacyTable>>& tables;
};

// Nothing: faults were reported.
std::optional<FieldMap> compile_field(const FieldEntry& entry, const FieldContext& context);

// Canonical values of a field's type to try a mapping with. None for references.
std::vector<Json> samples_of(const records::Field& field);

// Sends samples through the stream and back; what does not come back as it was is reported.
void check_round_trips(const StreamEntry& entry, const StreamMapping& stream, const std::vector<FieldMap>& fields);

// "did you mean ...?", or nothing.
std::string hint_for(const std::string& word, const std::vector<std::string>& known);

}  // namespace banyan::sync
