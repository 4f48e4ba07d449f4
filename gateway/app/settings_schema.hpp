// The schema of the settings file, in pieces. Internal to the reading of settings.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "gateway/app/settings.hpp"
#include "gateway/base/yaml_schema.hpp"
#include "migration/catalog/function.hpp"

namespace banyan::app {

// A value with the place it came from, for faults that only show when everything has been read.
template <typename T>
struct Placed {
  T value{};
  std::optional<yaml::Node> node;
};

// A function as the file gives it.
struct FunctionEntry {
  catalog::FunctionSpec spec;
  std::vector<Placed<catalog::Match>> matches;
  Placed<std::string> legacy;
  Placed<std::string> modern;
  std::optional<double> percent;
  std::optional<yaml::Node> node;
};

// The file, before its parts have been held against each other.
struct SettingsFile {
  Settings settings;
  std::vector<FunctionEntry> functions;
};

yaml::Reader<SettingsFile> settings_schema();
yaml::Reader<FunctionEntry> function_schema();
yaml::Reader<catalog::TextPattern> pattern_schema();

// Checks what ties functions to upstreams, and compiles the route table. Null if there are faults.
std::shared_ptr<const catalog::RouteTable> compile_functions(const SettingsFile& file, const yaml::Node& root);

}  // namespace banyan::app
