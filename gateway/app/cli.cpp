#include "gateway/app/cli.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/app/serve.hpp"
#include "gateway/app/settings.hpp"
#include "gateway/app/sync_cli.hpp"
#include "gateway/base/nearest.hpp"
#include "gateway/base/yaml_document.hpp"

namespace banyan::app {
namespace {

constexpr const char* kAbout =
    "Banyan stands in front of a legacy system, carries all of its traffic, names every business function that goes "
    "by, "
    "and moves one function after another to something new.";

constexpr const char* kExamples = R"(Settings, the least that works (banyan.yaml):
  listen:    [{address: "127.0.0.1:8080"}]
  admin:     {address: "127.0.0.1:9090"}
  upstreams: {legacy: {endpoints: ["http://127.0.0.1:8001"]}}

Examples:
  banyan check-config                        every fault of ./banyan.yaml, with its line
  banyan check-config --config crm.yaml --json
  banyan serve --config crm.yaml             until SIGTERM or Ctrl-C; in-flight requests are finished
  banyan sync status                         what the synchronisation of records is doing
  curl http://127.0.0.1:9090/metrics         what goes by, by function

Exit codes: 0 done, 1 failed, 2 wrong use or bad settings.
All settings: docs/reference/settings.md; a commented file with every key: examples/reference.yaml.)";

struct Arguments {
  std::string config = kDefaultSettingsFile;
  std::string data_dir;
  std::string roles;
  bool json = false;
};

nlohmann::json to_json(const Fault& fault) {
  nlohmann::json out{{"file", fault.file}, {"path", fault.path}, {"found", fault.found}};
  if (fault.line > 0) {
    out["line"] = fault.line;
    out["column"] = fault.column;
  }
  if (!fault.expected.empty()) out["expected"] = fault.expected;
  if (!fault.hint.empty()) out["hint"] = fault.hint;
  out["message"] = yaml::to_string(fault);
  return out;
}

// What a settings file repeats need not be UTF-8.
std::string dump(const nlohmann::json& value) {
  return value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string counted(std::size_t count, std::string_view singular) {
  return std::to_string(count) + " " + std::string(singular) + (count == 1 ? "" : "s");
}

void print_faults(std::ostream& out, const std::string& file, const std::vector<Fault>& faults) {
  for (const Fault& fault : faults) out << yaml::to_string(fault) << '\n';
  out << file << ": " << counted(faults.size(), "fault") << '\n';
}

int check_config(const Arguments& arguments) {
  const auto settings = load_settings(arguments.config);
  if (arguments.json) {
    nlohmann::json faults = nlohmann::json::array();
    if (!settings) {
      for (const Fault& fault : settings.error()) faults.push_back(to_json(fault));
    }
    const nlohmann::json report{{"file", arguments.config}, {"valid", settings.has_value()}, {"faults", faults}};
    std::cout << dump(report) << '\n';
  } else if (settings) {
    // The last function is `unmapped`, which is not in the file.
    std::cout << arguments.config << ": good: " << counted(settings->routes->functions().size() - 1, "function") << ", "
              << counted(settings->proxy.upstreams.size(), "upstream") << '\n';
  } else {
    print_faults(std::cout, arguments.config, settings.error());
  }
  return settings ? kDone : kWrongUse;
}

int print_version(const Arguments& arguments) {
  if (arguments.json) {
    std::cout << dump({{"name", "banyan"}, {"version", BANYAN_VERSION}}) << '\n';
  } else {
    std::cout << "banyan " << BANYAN_VERSION << '\n';
  }
  return kDone;
}

// Words from --roles to roles, or what is wrong with them.
tl::expected<Roles, std::string> parse_roles(const std::string& list) {
  if (list.empty()) return Roles{};
  Roles roles{false, false, false};
  const std::array<std::string, 3> known{"proxy", "control", "sync"};
  const std::array<bool Roles::*, 3> members{&Roles::proxy, &Roles::control, &Roles::sync};
  for (const std::string& word : CLI::detail::split(list, ',')) {
    const auto found = std::find(known.begin(), known.end(), word);
    if (found != known.end()) {
      roles.*members[static_cast<std::size_t>(found - known.begin())] = true;
    } else if (word == "work") {
      return tl::unexpected<std::string>("the role work comes with a later version; known roles: proxy, control, sync");
    } else {
      const auto near = nearest(word, known);
      return tl::unexpected("unknown role " + yaml::in_quotes(word) +
                            (near ? "; did you mean \"" + *near + "\"?" : "; known roles: proxy, control, sync"));
    }
  }
  return roles;
}

// What a role needs and the settings do not give.
std::optional<std::string> lacking(const Roles& roles, const Settings& settings) {
  if (roles.proxy) return std::nullopt;
  if (settings.store.kind != Store::Kind::url) {
    return "a process without the role proxy needs a store that it shares with others: store.url";
  }
  if (roles.sync && settings.sync.systems.empty()) return "the role sync needs the key sync in the settings";
  return std::nullopt;
}

int run_serve(const Arguments& arguments) {
  const auto roles = parse_roles(arguments.roles);
  if (!roles) {
    std::cerr << "banyan serve: --roles: " << roles.error() << '\n';
    return kWrongUse;
  }
  auto settings = load_settings(arguments.config);
  if (!settings) {
    print_faults(std::cerr, arguments.config, settings.error());
    return kWrongUse;
  }
  if (const auto fault = lacking(*roles, *settings)) {
    std::cerr << "banyan serve: --roles: " << *fault << '\n';
    return kWrongUse;
  }
  if (!roles->control) settings->admin.reset();
  if (!arguments.data_dir.empty()) settings->data_dir = std::filesystem::absolute(arguments.data_dir).string();
  return serve(std::move(*settings), *roles);
}

void add_config(CLI::App& command, Arguments& arguments) {
  command.add_option("-c,--config", arguments.config, "Settings file")->type_name("FILE")->capture_default_str();
}

void add_json(CLI::App& command, Arguments& arguments) {
  command.add_flag("--json", arguments.json, "Print JSON");
}

CLI::App& add_serve(CLI::App& app, Arguments& arguments) {
  CLI::App& command = *app.add_subcommand("serve", "Carry traffic until SIGTERM or SIGINT");
  add_config(command, arguments);
  command
      .add_option("--data-dir", arguments.data_dir, "Instead of data_dir in the settings; from the working directory")
      ->type_name("DIR");
  command
      .add_option("--roles", arguments.roles,
                  "What this process does, by commas: proxy (traffic), control (metrics, health and API on the admin "
                  "address), sync (keeping records the same). Default: all")
      ->type_name("LIST");
  return command;
}

}  // namespace

int run_command_line(int argc, char** argv) {
  Arguments arguments;
  CLI::App app(kAbout, "banyan");
  app.set_version_flag("--version", std::string("banyan ") + BANYAN_VERSION);
  app.require_subcommand(1);
  app.footer(kExamples);
  const CLI::App& serve_command = add_serve(app, arguments);
  CLI::App& check_command = *app.add_subcommand("check-config", "Report every fault of a settings file; opens nothing");
  add_config(check_command, arguments);
  add_json(check_command, arguments);
  SyncArguments sync;
  add_sync(app, sync);
  CLI::App& version_command = *app.add_subcommand("version", "Print the version");
  add_json(version_command, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Help and --version arrive here as well, with code 0; CLI11's other codes are of its own making.
    return app.exit(error) == 0 ? kDone : kWrongUse;
  }
  if (sync.run) return sync.run();
  if (serve_command.parsed()) return run_serve(arguments);
  if (check_command.parsed()) return check_config(arguments);
  return print_version(arguments);
}

}  // namespace banyan::app
