// Puts ontology files together, each extending those before it, and holds their parts against each other. Internal to
// the reading.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "adapters/records/ontology_schema.hpp"

namespace banyan::records {

// What is wrong is reported on the nodes of the entries, which must live as long as the assembly.
class OntologyAssembly {
public:
  void take(const OntologyFile& file, const std::string& file_name);
  // Once, after the last file.
  void check() const;
  std::vector<Entity> entities() const;

private:
  template <typename Entry>
  struct Definition {
    const Entry* entry;
    std::string file;
  };
  struct Part {
    Entity entity;
    Definition<EntityEntry> definition;  // the first
    std::map<std::string, Definition<FieldEntry>> fields;
    std::map<std::string, Definition<RelationEntry>> relations;
  };
  // A required reference: no record can be made before the one it points at.
  struct Need {
    const FieldEntry* field;
    std::string target;
  };

  void define(const EntityEntry& entry, const std::string& file_name);
  static void extend(Part& part, const EntityEntry& entry, const std::string& file_name);
  static void take_field(Part& part, const FieldEntry& entry, const std::string& file_name);
  static void take_relation(Part& part, const RelationEntry& entry, const std::string& file_name);
  const Part* find(const std::string& entity) const;
  void check_own_keys(const Part& part) const;
  void check_reference(const FieldEntry& entry) const;
  void check_relation(const Part& part, const RelationEntry& entry) const;
  void check_inverses() const;
  void check_circles() const;

  std::vector<Part> parts_;
};

}  // namespace banyan::records
