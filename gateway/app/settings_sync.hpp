// The settings of record sync: the ontology, and the legacy systems whose records are kept the same.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapters/legacy/rest/description.hpp"
#include "adapters/legacy/tryton/tryton_system.hpp"
#include "adapters/records/ontology.hpp"
#include "adapters/sync/mapping.hpp"
#include "adapters/sync/stream.hpp"
#include "gateway/base/yaml_document.hpp"

namespace banyan::app {

struct SyncSystem {
  std::string name;
  // One of the two.
  std::optional<legacy::tryton::TrytonOptions> tryton;
  std::optional<legacy::rest::RestDescription> rest;
  sync::Mapping mapping;
  std::string upstream;   // writes through it are writes to this system; empty: none are observed
  bool backfill = false;  // begun by itself for entities that never were
  std::optional<double> calls_per_second;
  sync::StreamOptions stream;
};

struct SyncSettings {
  std::shared_ptr<const records::Ontology> ontology;  // never null
  std::size_t threads = 4;
  std::vector<SyncSystem> systems;
};

}  // namespace banyan::app
