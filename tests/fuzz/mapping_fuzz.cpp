// Whatever JSON a legacy system sends: the mapping answers, its answer is canonical, each field that did not get across
// says why, and what goes back out comes in again as the same. Whatever a mapping file says: it is read, or each fault
// of it has a place and a reason.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "adapters/records/canonicalise.hpp"
#include "adapters/sync/mapping.hpp"

namespace {

using banyan::sync::Json;
using banyan::sync::Mapped;
using banyan::sync::Mapping;
using banyan::sync::Reference;

constexpr const char* kOntology = R"(
entities:
  thing:
    fields:
      a: {type: text}
      b: {type: text}
      c: {type: text}
      d: {type: choice, values: [x, y]}
      e: {type: integer}
      f: {type: decimal}
      g: {type: boolean}
      h: {type: date}
      i: {type: timestamp}
      j: {type: list}
      k: {type: reference, to: thing}
      l: {type: decimal}
      m: {type: timestamp}
)";

constexpr const char* kMapping = R"(
entities:
  thing:
    type: t
    fields:
      a: {legacy: a, transforms: [html_entities, {prefix: "p:"}, trim]}
      b: {legacy: n.b}
      c: {legacy: [c1, c2], join: {}}
      d: {legacy: d, values: {1: x, 2: y}, as: number}
      e: {legacy: e, transforms: integer_text}
      f: {legacy: f, transforms: [decimal_number, percent]}
      g: {legacy: g, transforms: {boolean: {true: [Y, 1], false: N}}}
      h: {legacy: h, transforms: {date_format: "%d.%m.%y"}}
      i: {legacy: /i/0, transforms: {epoch: us}}
      j: {legacy: j, transforms: {split: {separator: ";", quote: "^"}}}
      k: {legacy: k, lookup: thing, type: t}
      l: {legacy: l, transforms: {minor_units: 2}}
      m: {legacy: m, transforms: {timestamp_format: {pattern: "%d %b %Y %T.%f%z", offset: "+05:30"}}}
)";

constexpr const char* kRecord = "0188f1c2-8a4b-7c6d-9e0f-1a2b3c4d5e6f";

void require(bool condition) {
  if (!condition) std::abort();
}

struct World {
  banyan::records::Ontology ontology;
  Mapping mapping;
};

const World& world() {
  static const World made = [] {
    const std::array<banyan::records::OntologyText, 1> texts{{{"o.yaml", kOntology}}};
    auto ontology = banyan::records::parse_ontology(texts);
    require(ontology.has_value());
    auto mapping = banyan::sync::parse_mapping(kMapping, "m.yaml", "s", *ontology);
    require(mapping.has_value());
    return World{std::move(*ontology), std::move(*mapping)};
  }();
  return made;
}

std::optional<std::string> record_id(const Reference&) {
  return kRecord;
}
std::optional<std::string> legacy_id(const Reference&) {
  return "12";
}

void check_file(const std::string& text) {
  const auto mapping = banyan::sync::parse_mapping(text, "m.yaml", "s", world().ontology);
  if (mapping) {
    // A file with which nothing can be done is no mapping.
    require(!mapping->streams.empty());
    return;
  }
  require(!mapping.error().empty());
  for (const banyan::yaml::Fault& fault : mapping.error()) {
    require(fault.file == "m.yaml" && !fault.found.empty());
    require(fault.line > 0 || fault.path.empty());
  }
}

void check_held(const Mapped& mapped) {
  for (const banyan::sync::Held& held : mapped.held) {
    require(!held.field.empty());
    require(held.reason == banyan::sync::Held::Reason::unresolved ? !held.reference.id.empty() : !held.message.empty());
    require(!Json(held.message).dump().empty());  // it throws for what is no UTF-8
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  if (text.starts_with("entities")) {
    check_file(text);
    return 0;
  }
  const Json legacy = Json::parse(text, nullptr, false);
  if (legacy.is_discarded()) return 0;
  const auto& stream = *world().mapping.streams.front();
  std::vector<Reference> references;
  stream.references(legacy, references);
  const Mapped in = stream.to_modern(legacy, record_id);
  const auto canonical = banyan::records::canonicalise(*world().ontology.find("thing"), in.fields);
  require(canonical.has_value() && *canonical == in.fields);
  check_held(in);
  std::vector<std::string> fields;
  for (const auto& [name, value] : in.fields.items()) fields.push_back(name);
  const Mapped out = stream.to_legacy(in.fields, fields, legacy_id, false);
  check_held(out);
  if (!out.held.empty()) return 0;
  require(stream.to_modern(out.fields, record_id).fields == in.fields);
  return 0;
}
