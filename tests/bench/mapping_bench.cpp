// What it costs to map one record of ten fields: an account with a lookup, a value map and two transforms.
#include <benchmark/benchmark.h>

#include <array>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "adapters/records/ontology.hpp"
#include "adapters/sync/mapping.hpp"

namespace {

using banyan::sync::Json;
using banyan::sync::Mapping;

constexpr const char* kMapping = R"(
entities:
  account:
    type: party
    fields:
      name: name
      code: code
      active: {legacy: active, transforms: {boolean: {true: 1, false: 0}}}
      kind: {legacy: kind, values: {o: organisation, p: person}}
      parent: {legacy: parent, lookup: account, as: number}
      language: lang
      annual_revenue: revenue
      employees: {legacy: size, transforms: integer_text}
      industry: industry
      owner: owner.name
)";

Mapping mapping() {
  const std::array<std::string, 1> files{std::string(banyan::records::kCrmOntology)};
  const auto ontology = banyan::records::load_ontology(files);
  if (!ontology) std::abort();
  auto read = banyan::sync::parse_mapping(kMapping, "bench.yaml", "crm", *ontology);
  if (read) return std::move(*read);
  std::cerr << banyan::yaml::to_string(read.error().front()) << '\n';
  std::abort();
}

Json legacy_record() {
  return Json::parse(R"({"name":"Alster Bakery KG","code":"58","active":1,"kind":"o","parent":12,"lang":"de",
    "revenue":"1250000.5","size":"48","industry":"Food","owner":{"name":"Clara Lehmann"}})");
}

std::optional<std::string> record_id(const banyan::sync::Reference&) {
  return "0188f1c2-8a4b-7c6d-9e0f-1a2b3c4d5e6f";
}
std::optional<std::string> legacy_id(const banyan::sync::Reference&) {
  return "12";
}

void to_modern(benchmark::State& state) {
  const Mapping all = mapping();
  const Json legacy = legacy_record();
  const banyan::sync::Lookup lookup = record_id;
  if (all.streams[0]->to_modern(legacy, lookup).fields.size() != 10) std::abort();
  for (auto _ : state) benchmark::DoNotOptimize(all.streams[0]->to_modern(legacy, lookup));
}
BENCHMARK(to_modern);

void to_legacy(benchmark::State& state) {
  const Mapping all = mapping();
  const Json data = all.streams[0]->to_modern(legacy_record(), record_id).fields;
  const banyan::sync::Lookup lookup = legacy_id;
  std::vector<std::string> fields;
  for (const auto& rule : all.streams[0]->rules()) fields.push_back(rule.field);
  if (all.streams[0]->to_legacy(data, fields, lookup, false).fields != legacy_record()) std::abort();
  for (auto _ : state) benchmark::DoNotOptimize(all.streams[0]->to_legacy(data, fields, lookup, false));
}
BENCHMARK(to_legacy);

// What a copy of the record costs: the least that any mapping into a new object can.
void copy(benchmark::State& state) {
  const Json legacy = legacy_record();
  for (auto _ : state) {
    Json copied = legacy;
    benchmark::DoNotOptimize(copied);
  }
}
BENCHMARK(copy);

}  // namespace
