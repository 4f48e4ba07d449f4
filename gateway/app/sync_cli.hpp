// `banyan sync`: what the synchronisation of records is doing, and the handles to steer it, through the admin API.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

namespace banyan::app {

// What the command line says; only what belongs to the command that was given is filled.
struct SyncArguments {
  std::string admin = "http://127.0.0.1:9090";
  bool json = false;
  std::string system;
  std::string entity;
  bool dry_run = false;
  bool repair = false;
  bool accept_deletes = false;
  bool no_wait = false;
  std::string id;
  std::string state = "open";
  std::string error_class;
  bool all = false;
  std::size_t limit = 50;
  std::vector<std::string> fields;  // --field and --set, as they were given
  std::string link;
  std::function<int()> run;  // the command that was given
};

// Adds `sync` with all that is below it. `arguments` must outlive the parse; afterwards, if the command was given,
// arguments.run() does it and returns an exit code of cli.hpp.
void add_sync(CLI::App& app, SyncArguments& arguments);

}  // namespace banyan::app
