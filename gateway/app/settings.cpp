#include "gateway/app/settings.hpp"

#include <filesystem>
#include <utility>

#include "gateway/app/settings_schema.hpp"

namespace banyan::app {
namespace {

using Loaded = tl::expected<Settings, std::vector<Fault>>;

Loaded read_settings(tl::expected<yaml::Document, std::vector<Fault>> document) {
  if (!document) return tl::unexpected(std::move(document.error()));
  const yaml::Node root = document->root();
  SettingsFile file;
  file.settings.data_dir = (std::filesystem::path(root.directory()) / "var").lexically_normal().string();
  settings_schema().read(root, file);
  take_listeners(file);
  file.settings.routes = compile_functions(file, root);
  const std::vector<Fault> others = take_sync(file);
  std::vector<Fault> faults = document->faults();
  faults.insert(faults.end(), others.begin(), others.end());
  if (!faults.empty()) return tl::unexpected(std::move(faults));
  return std::move(file.settings);
}

}  // namespace

Loaded load_settings(const std::string& path) {
  return read_settings(yaml::Document::load(path));
}

Loaded parse_settings(const std::string& text, const std::string& file, const std::string& directory) {
  return read_settings(yaml::Document::parse(text, file, directory));
}

std::vector<std::string> settings_keys() {
  return settings_schema().keys;
}

}  // namespace banyan::app
