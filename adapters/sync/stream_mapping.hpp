// The StreamMapping that a mapping file declares.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "adapters/sync/mapping.hpp"
#include "adapters/sync/mapping_field.hpp"

namespace banyan::sync {

struct LegacyConstant {
  LegacyPath path;
  Json value;
  bool on_create_only = false;
};

// What a stream is made of; compiled and checked by mapping_compile.
struct StreamSpec {
  std::string system;
  std::string entity;
  std::string type;
  Json scope;
  std::vector<FieldMap> fields;  // sorted by name
  std::vector<FieldRule> rules;  // one per field
  std::vector<LegacyConstant> constants;
  Flow creates = Flow::both;
  Flow deletes = Flow::both;
  Policy delete_conflict = Policy::review;
  std::vector<std::vector<std::string>> match_keys;
  std::vector<std::string> parents;
  std::vector<std::string> children;
  Json description;
};

class DeclaredStream final : public StreamMapping {
public:
  explicit DeclaredStream(StreamSpec spec);

  const std::string& system() const override { return spec_.system; }
  const std::string& entity() const override { return spec_.entity; }
  const std::string& type() const override { return spec_.type; }
  const Json& scope() const override { return spec_.scope; }
  std::span<const FieldRule> rules() const override { return spec_.rules; }
  const std::vector<std::string>& legacy_fields() const override { return legacy_fields_; }
  std::vector<std::string> legacy_fields_of(const std::string& field) const override;
  Flow creates() const override { return spec_.creates; }
  Flow deletes() const override { return spec_.deletes; }
  Policy delete_conflict() const override { return spec_.delete_conflict; }
  const std::vector<std::vector<std::string>>& match_keys() const override { return spec_.match_keys; }
  const std::vector<std::string>& parents() const override { return spec_.parents; }
  const std::vector<std::string>& children() const override { return spec_.children; }
  std::uint64_t fingerprint() const override { return fingerprint_; }
  Json description() const override { return spec_.description; }

  void references(const Json& legacy, std::vector<Reference>& out) const override;
  Mapped to_modern(const Json& legacy, const Lookup& record_id_of) const override;
  void modern_references(const Json& data, std::span<const std::string> fields,
                         std::vector<Reference>& out) const override;
  Mapped to_legacy(const Json& data, std::span<const std::string> fields, const Lookup& legacy_id_of,
                   bool for_create) const override;

private:
  // Fields that are written together, because their legacy places lie in one legacy field.
  struct Group {
    std::vector<std::size_t> fields;
  };
  struct Write;

  void make_groups();
  const FieldMap* find(const std::string& field) const;
  bool is_wanted(const FieldMap& field, const Json& data, bool for_create) const;
  void write_group(const Group& group, const Write& write, Mapped& out) const;
  std::optional<Held> put_shared(const std::vector<std::size_t>& fields, const std::vector<Json>& values,
                                 bool for_create, Json& out) const;

  StreamSpec spec_;
  std::vector<std::string> legacy_fields_;
  std::vector<Group> groups_;
  std::uint64_t fingerprint_ = 0;
};

}  // namespace banyan::sync
