// The schema of the settings file, in pieces. Internal to the reading of settings.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/app/settings.hpp"
#include "gateway/base/yaml_schema.hpp"
#include "migration/catalog/function.hpp"

namespace banyan::app {

// A value with the place it came from, for faults that only show when everything has been read.
template <typename T>
struct Placed {
  T value{};                       // of a faulty one: what could be read
  std::optional<yaml::Node> node;  // absent: not given
  bool faulty = false;             // it has been said what is wrong with it

  // Whether it was given and is as it was meant.
  bool is_known() const { return node && !faulty; }
};

template <typename T>
yaml::Reader<Placed<T>> placed(yaml::Reader<T> reader) {
  auto read = [inner = reader.read](const yaml::Node& node, Placed<T>& out) {
    const std::size_t faults_before = node.faults_so_far();
    out.node = node;
    inner(node, out.value);
    out.faulty = node.faults_so_far() != faults_before;
  };
  return {std::move(read), reader.what, reader.keys};
}

// A function as the file gives it. Kept even if faulty, so that it is held against the others all the same.
struct FunctionEntry {
  catalog::FunctionSpec spec;  // name (empty if it could not be read), entity and effect
  std::vector<Placed<catalog::Match>> matches;
  Placed<std::string> legacy;
  Placed<Placed<std::string>> modern;  // the modern side, and its upstream
  Placed<catalog::Stage> stage;
  Placed<double> percent;
  std::optional<yaml::Node> node;
};

// A legacy system as the file gives it.
struct SyncEntry {
  SyncSystem system;
  Placed<std::string> rest;     // path of a description
  Placed<std::string> mapping;  // path of a mapping
  Placed<std::string> upstream;
};

struct SyncFile {
  std::size_t threads = 4;
  std::vector<SyncEntry> systems;
};

// The file, before its parts have been held against each other.
struct SettingsFile {
  Settings settings;
  std::vector<Placed<proxy::Address>> listen;
  Placed<Admin> admin;
  std::vector<FunctionEntry> functions;
  std::vector<std::string> ontology;  // paths, after the built-in one
  Placed<SyncFile> sync;
};

yaml::Reader<SettingsFile> settings_schema();
yaml::Reader<FunctionEntry> function_schema();
yaml::Reader<catalog::TextPattern> pattern_schema();
yaml::Reader<SyncFile> sync_schema();

// Reads the ontology, the mappings and the descriptions that the file names. The faults of those files; faults of the
// settings file itself go to their nodes.
std::vector<Fault> take_sync(SettingsFile& file);

// Moves the addresses to the settings; no two listeners may share one.
void take_listeners(SettingsFile& file);

// Checks what ties functions to upstreams, and compiles the route table. Null if there are faults.
std::shared_ptr<const catalog::RouteTable> compile_functions(const SettingsFile& file, const yaml::Node& root);

}  // namespace banyan::app
