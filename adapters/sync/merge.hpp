// The three-way merge: pure, per field, against the last-agreed base.
//
// The base of a link holds, per mapped field, the value that the legacy side was last seen with and that has been
// merged. So at any moment
//   legacy moved a field   <=>  legacy value != base value
//   modern moved a field   <=>  record value != base value, and then the field is still to be written to legacy.
// A field whose two values differ from the base and from each other is in conflict, and its policy decides. The rules
// stand in one truth table (docs/reference/merge.md) which the tests go through line by line.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/records/canonical.hpp"
#include "gateway/base/clock.hpp"

namespace banyan::sync {

using records::Json;

enum class Policy : std::uint8_t {
  newest,     // the later edit; edits whose times cannot be told apart: legacy
  legacy,     // legacy wins
  modern,     // modern wins
  non_empty,  // whichever is not empty; both are not: a person decides
  review,     // a person decides
};
std::string_view to_string(Policy policy);

enum class Direction : std::uint8_t {
  both,
  to_modern,  // legacy decides alone: a modern edit is taken back
  to_legacy,  // modern decides alone: a legacy edit is taken back
};

struct FieldRule {
  std::string field;
  Direction direction = Direction::both;
  Policy policy = Policy::newest;
  bool distinctive = true;  // two people hardly write the same value by chance: a text, an amount; no choice, reference
};

enum class Winner : std::uint8_t { legacy, modern, nobody };
std::string_view to_string(Winner winner);

// A field on which both sides had moved, apart from each other.
struct FieldConflict {
  std::string field;
  Json base;  // null: empty, in all three
  Json legacy;
  Json modern;
  Winner winner = Winner::nobody;  // nobody: waits for a person
};

// When each side edited a field.
struct EditTimes {
  std::optional<WallTime> legacy_from;   // the legacy stamp, on our clock; nothing: unknown
  std::optional<WallTime> legacy_until;  // when it was read
  std::optional<WallTime> modern;        // nothing: unknown
};

struct MergeInput {
  std::span<const FieldRule> rules;
  const Json* base = nullptr;         // canonical; null: no base yet (first coupling)
  const Json* legacy = nullptr;       // canonical, mapped fields; a field in `held` is not looked at
  const Json* modern = nullptr;       // the record's whole data
  std::span<const std::string> held;  // fields whose legacy value did not get across, or that wait for a person
  std::function<EditTimes(const std::string& field)> times;  // asked only where a policy needs it; may be empty
  std::chrono::milliseconds clock_uncertainty{2'000};
};

struct MergeResult {
  Json record;                       // the record's whole data afterwards
  Json base;                         // the new base
  std::vector<std::string> to_push;  // fields in which the record now differs from the base, but for `held` and review
  std::vector<FieldConflict> conflicts;  // decided ones and those for review
  bool record_changed = false;
  bool base_changed = false;
};

MergeResult merge(const MergeInput& input);

// The fields in which a record's data differs from the base: what is still to be written to legacy. Fields that only
// legacy decides are left out.
std::vector<std::string> fields_to_push(std::span<const FieldRule> rules, const Json& base, const Json& record,
                                        std::span<const std::string> held);

}  // namespace banyan::sync
