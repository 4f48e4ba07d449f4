#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "gateway/store/postgres_cluster.hpp"

namespace banyan::store {
namespace {

namespace fs = std::filesystem;

constexpr int kOldestMajor = 14;

void add_below(const fs::path& parent, std::string_view prefix, std::string_view below,
               std::vector<std::string>& found) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(parent, error)) {
    if (entry.path().filename().string().starts_with(prefix))
      found.push_back(entry.path().string() + std::string(below));
  }
}

// PATH names links on some systems; the programs look for each other beside the real file.
void add_on_path(std::vector<std::string>& found) {
  const char* path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe): nobody sets it
  std::string_view rest = path == nullptr ? "" : path;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(':'), rest.size());
    std::error_code error;
    const fs::path program = fs::canonical(fs::path(rest.substr(0, end)) / "initdb", error);
    if (!error) found.push_back(program.parent_path().string());
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

// From "postgres (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)".
std::optional<int> major_of(const std::string& directory) {
  if (!fs::exists(directory + "/initdb")) return std::nullopt;
  auto account = own_account();
  if (!account) return std::nullopt;
  Command command;
  command.program = directory + "/postgres";
  command.arguments = {"--version"};
  command.account = *account;
  const auto text = output_of(command);
  if (!text) return std::nullopt;
  const std::size_t number = text->find(") ");
  if (number == std::string::npos) return std::nullopt;
  const int major = std::atoi(text->c_str() + number + 2);
  return major > 0 ? std::optional(major) : std::nullopt;
}

}  // namespace

Result<PostgresPrograms> find_postgres_programs(const std::string& directory, int major) {
  std::vector<std::string> candidates;
  if (!directory.empty()) {
    candidates.push_back(directory);
  } else {
    add_below("/usr/lib/postgresql", "", "/bin", candidates);
    add_below("/usr", "pgsql-", "/bin", candidates);
    add_on_path(candidates);
  }
  std::optional<PostgresPrograms> best;
  std::string versions;
  for (const std::string& candidate : candidates) {
    const auto version = major_of(candidate);
    if (!version || *version < kOldestMajor) continue;
    versions += (versions.empty() ? "" : ", ") + std::to_string(*version);
    if (major != 0 && *version != major) continue;
    if (!best || *version > best->major) best = PostgresPrograms{candidate, *version};
  }
  if (best) return *best;
  const std::string where = directory.empty() ? "" : " in " + directory;
  if (versions.empty()) {
    return fail(ErrorCode::not_found,
                "PostgreSQL's server programs are missing" + where + ": install PostgreSQL " +
                    std::to_string(kOldestMajor) +
                    " or later (Debian: apt install postgresql), set store.url, or set store: none " +
                    "for a plain proxy without records");
  }
  return fail(ErrorCode::not_found, "the data was made by PostgreSQL " + std::to_string(major) + ", but only version " +
                                        versions + " is installed" + where + ": install postgresql-" +
                                        std::to_string(major) +
                                        ", or dump with it and restore (guide: backup and restore)");
}

}  // namespace banyan::store
