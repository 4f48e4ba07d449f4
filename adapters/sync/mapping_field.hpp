// One field of a mapping, compiled: from a legacy record to a canonical value and back.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "adapters/records/ontology.hpp"
#include "adapters/sync/mapping.hpp"
#include "adapters/sync/transforms.hpp"

namespace banyan::sync {

// A place in a legacy record: "name", "address.city" or "/emails/0/value".
class LegacyPath {
public:
  static constexpr std::size_t kMostIndex = 99;

  // Nothing: an empty part, or an index above kMostIndex.
  static std::optional<LegacyPath> parse(std::string_view text);

  const std::string& text() const { return text_; }
  const std::string& top() const { return segments_.front().key; }
  // Whether one of the two places lies in the other, or they are the same.
  bool overlaps(const LegacyPath& other) const;
  bool operator==(const LegacyPath& other) const;

  // Null: absent. The null of an empty object on the way counts as the value.
  const Json* find(const Json& record) const;
  void put(Json& fields, Json value) const;

private:
  struct Segment {
    std::string key;
    std::optional<std::size_t> index;
    bool operator==(const Segment&) const = default;
  };
  std::string text_;
  std::vector<Segment> segments_;
};

enum class LegacyForm : std::uint8_t { text, number, boolean };

// Legacy values and the canonical ones that they stand for.
struct ValueMap {
  std::map<std::string, Json, std::less<>> to_modern;  // by the text of the legacy value
  std::map<std::string, Json, std::less<>> to_legacy;  // by the text of the canonical value
};

// How the Reference of a Held begins that waits for a row of a table.
inline const std::string kTableReference = "table ";
inline bool is_table_row(const Reference& reference) {
  return reference.entity.starts_with(kTableReference);
}

struct TableLookup {
  std::shared_ptr<const LegacyTable> table;
  LegacyForm form = LegacyForm::text;
};

struct LinkLookup {
  std::string entity;
  LegacyForm form = LegacyForm::text;
  std::string type;                      // legacy "party.party,12": the type in front; empty: the id alone
  std::vector<std::string> other_types;  // of the fields that share the legacy field
};

// Several legacy fields make one; or one makes several (Part).
struct Join {
  std::string separator;
  bool at_last = true;

  std::string join(const std::vector<std::string>& parts) const;  // those that are not empty
  std::vector<std::string> split(std::string_view text, std::size_t count) const;
};

struct Part {
  Join join;
  bool takes_first = false;
};

struct FieldMap {
  records::Field field;
  std::vector<LegacyPath> paths;  // none: a constant
  Direction direction = Direction::both;
  std::vector<Transform> transforms;
  std::variant<std::monostate, ValueMap, TableLookup, LinkLookup> resolve;
  std::optional<Join> join;
  std::optional<Part> part;
  std::vector<Json> empty;  // legacy values that count as none
  Json default_modern;      // null: none; or the value of a constant
  Json default_legacy;      // null: none
  bool required = false;    // a record does not go across without it
  bool holds_absent = false;

  const std::string& name() const { return field.name; }
  bool writes() const { return direction != Direction::to_modern; }
  const LinkLookup* link() const { return std::get_if<LinkLookup>(&resolve); }

  // The canonical value; null: empty.
  std::optional<Held> read(const Json& legacy, const Lookup& record_id_of, Json& out) const;
  // The legacy value for `paths.front()`, with a join an array of one per path; null: to be cleared. `value` null: the
  // data lacks it.
  std::optional<Held> write(const Json* value, const Lookup& legacy_id_of, Json& out) const;

  // The record that a legacy record refers to by this field.
  std::optional<Reference> reference(const Json& legacy) const;

  Held invalid(std::string found, const std::string& expected) const;

private:
  Held absent() const;
  std::optional<Held> canonicalise(const Json& value, Json& out) const;
  std::optional<Held> read_plain(const Json& legacy, Json& out) const;
  std::optional<Held> read_formed(const Json& legacy, const Lookup& record_id_of, Json& out) const;
  std::optional<Held> take(const Json& legacy, Json& value) const;
  std::optional<Held> run_in(Json& value) const;
  std::optional<Held> resolve_in(Json& value, const Lookup& record_id_of) const;
  std::optional<Held> resolve_out(Json& value, const Lookup& legacy_id_of) const;
  std::optional<Held> map_value(const ValueMap& map, bool in, Json& value) const;
  std::optional<Held> map_row(const TableLookup& lookup, bool in, Json& value) const;
  std::optional<Held> legacy_id(const LinkLookup& link, Json& value) const;
};

// The text that stands for a single value: "12" for 12. Nothing for lists, objects and null.
std::optional<std::string> single_text(const Json& value);

// A found value for people; of a private field only what kind it is.
std::string shown(const records::Field& field, const Json& value);

}  // namespace banyan::sync
