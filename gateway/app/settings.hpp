// Settings: everything that the settings file says, checked and ready for use.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "gateway/app/settings_sync.hpp"
#include "gateway/base/log.hpp"
#include "gateway/base/secret.hpp"
#include "gateway/base/yaml_document.hpp"
#include "gateway/proxy/options.hpp"
#include "migration/catalog/route_table.hpp"

namespace banyan::app {

using yaml::Fault;

// The control plane's listener: metrics, health, later the API and the console.
struct Admin {
  proxy::Address address;
  std::optional<Secret> token;  // bearer token; always present off loopback
};

struct AccessLog {
  bool enabled = true;
  std::string path = "-";  // "-": standard output; a relative path has been resolved against the settings file
};

struct ApplicationLog {
  log::Level level = log::Level::info;
  log::Format format = log::Format::text;
};

// Where Banyan keeps what must survive a restart.
struct Store {
  enum class Kind : std::uint8_t {
    private_,  // a PostgreSQL of Banyan's own in data_dir
    url,       // an existing one
    none,      // a plain proxy: stages are those of the file, no records
  };
  Kind kind = Kind::private_;
  std::optional<Secret> url;
  std::optional<Secret> owner_url;  // of the role that applies schema files; nothing: `url` is
};

struct Settings {
  proxy::Options proxy;
  std::shared_ptr<const catalog::RouteTable> routes;  // never null
  std::optional<Admin> admin;                         // absent: nothing listens for the control plane
  AccessLog access_log;
  ApplicationLog log;
  Store store;
  SyncSettings sync;
  std::string data_dir;  // resolved against the directory of the settings file
};

inline constexpr const char* kDefaultSettingsFile = "banyan.yaml";

// Reads and checks a settings file. Opens no socket and creates nothing; reads the file itself and the files of
// secrets. Otherwise every fault, by line: never only the first.
tl::expected<Settings, std::vector<Fault>> load_settings(const std::string& path);

// The same for a text that stands for the content of `file` in `directory`.
tl::expected<Settings, std::vector<Fault>> parse_settings(const std::string& text, const std::string& file,
                                                          const std::string& directory);

// Every key of the schema as a path: "listen[].address", "upstreams.*.host". For the test of the reference manual.
std::vector<std::string> settings_keys();

}  // namespace banyan::app
