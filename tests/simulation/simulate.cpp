// simulate: runs the sync engine through seeds in a world that lives in memory.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>

#include "gateway/base/log.hpp"
#include "tests/simulation/postgres_twin.hpp"
#include "tests/simulation/world.hpp"
#ifdef BANYAN_PLANTED_DEFECTS
#include "tests/simulation/defects/defects.hpp"
#endif

namespace {

using banyan::simulation::MemoryStore;
using banyan::simulation::PostgresServer;
using banyan::simulation::PostgresTwin;
using banyan::simulation::RunOptions;
using banyan::simulation::RunReport;
using banyan::simulation::Violation;
using banyan::simulation::World;

struct Totals {
  std::int64_t operations = 0;
  std::int64_t edits = 0;
  std::int64_t steps = 0;
  std::int64_t crashes = 0;
  std::int64_t captured = 0;
  std::int64_t conflicts = 0;
  std::int64_t window_losses = 0;

  void add(const RunReport& report) {
    operations += report.operations;
    edits += report.edits;
    steps += report.steps;
    crashes += report.crashes;
    captured += report.captured;
    conflicts += report.conflicts;
    window_losses += report.window_losses;
  }
};

std::optional<std::string> run_one(const RunOptions& options, Totals& totals) {
  try {
    World world(options);
    totals.add(world.run());
    return std::nullopt;
  } catch (const Violation& violation) {
    return violation.text;
  } catch (const std::exception& error) {
    return std::string("exception: ") + error.what();
  }
}

void print_totals(std::uint64_t seeds, const Totals& totals, std::chrono::steady_clock::time_point began) {
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  std::printf(
      "%llu seeds, %lld operations, %lld edits, %lld captured changes, %lld steps, %lld crashes, %lld settled "
      "questions, %lld edits lost in windows that the legacy interface leaves; %.1f s\n",
      static_cast<unsigned long long>(seeds), static_cast<long long>(totals.operations),
      static_cast<long long>(totals.edits), static_cast<long long>(totals.captured),
      static_cast<long long>(totals.steps), static_cast<long long>(totals.crashes),
      static_cast<long long>(totals.conflicts), static_cast<long long>(totals.window_losses), seconds);
}

int run_list(const std::string& path, RunOptions options) {
  std::ifstream file(path);
  Totals totals;
  int failures = file ? 0 : 1;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    if (!(words >> options.seed >> options.operations)) continue;
    if (const auto fault = run_one(options, totals)) {
      std::printf("kept seed %s: %s\n", line.c_str(), fault->c_str());
      ++failures;
    }
  }
  return failures > 0 ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Runs the sync engine through seeds in a simulated world."};
  RunOptions options;
  std::string seeds;
  std::string list;
  bool keep_going = false;
  bool postgres = false;
  int tolerated = 0;
  app.add_option("--seed", options.seed, "One seed");
  app.add_option("--seeds", seeds, "A range of seeds: 1..500");
  app.add_option("--operations", options.operations, "Operations of people, agents and admins per seed");
  app.add_option("--profile", options.profile, "The kind of legacy system; default: by the seed");
  app.add_flag("--trace", options.trace, "Print every operation and step");
  app.add_option("--list", list, "A file of seeds: seed, operations, and why it is kept; every one must pass");
  app.add_option("--tolerate", tolerated, "As many failing seeds of a range are reported without failing");
  app.add_flag("--postgres", postgres, "On a real PostgreSQL, beside the memory; everything must be the same in both");
  app.add_flag("--keep-going", keep_going, "Do not stop at the first failing seed");
#ifdef BANYAN_PLANTED_DEFECTS
  std::string defect;
  app.add_option("--defect", defect, "Switch on one planted defect (defects/table.py)");
#endif
  CLI11_PARSE(app, argc, argv);
#ifdef BANYAN_PLANTED_DEFECTS
  banyan::defects::turn_on(defect);
#endif

  banyan::log::configure({options.trace ? banyan::log::Level::debug : banyan::log::Level::error});
  std::uint64_t first = options.seed;
  std::uint64_t last = options.seed;
  if (const auto dots = seeds.find(".."); dots != std::string::npos) {
    first = std::strtoull(seeds.c_str(), nullptr, 10);
    last = std::strtoull(seeds.c_str() + dots + 2, nullptr, 10);
  }
  std::unique_ptr<PostgresServer> server;
  if (postgres) {
    server = std::make_unique<PostgresServer>();
    options.make_twin = [&server](MemoryStore& memory, const banyan::Clock& clock) {
      return std::make_unique<PostgresTwin>(*server, memory, clock);
    };
  }
  Totals totals;
  const auto began = std::chrono::steady_clock::now();
  int failures = 0;
  std::uint64_t done = 0;
  if (!list.empty()) return run_list(list, options);
  for (std::uint64_t seed = first; seed <= last; ++seed, ++done) {
    options.seed = seed;
    const auto fault = run_one(options, totals);
    if (!fault) continue;
    ++failures;
    std::printf("seed %llu violates: %s\n  again: simulate --seed %llu --operations %u%s%s%s --trace\n",
                static_cast<unsigned long long>(seed), fault->c_str(), static_cast<unsigned long long>(seed),
                options.operations, options.profile.empty() ? "" : " --profile ", options.profile.c_str(),
                postgres ? " --postgres" : "");
    std::fflush(stdout);
    if (!keep_going && failures > tolerated) break;
  }
  print_totals(done, totals, began);
  if (failures > 0) std::printf("%d failing seeds\n", failures);
  return failures > tolerated ? 1 : 0;
}
