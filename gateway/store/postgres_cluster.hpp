// PostgresCluster: the files of the private PostgreSQL. What is where, who owns it, which programs fit.
//
//   DATA_DIR/postgres/          belongs to the account that PostgreSQL runs as, mode 0700
//     data/                     PostgreSQL's data directory
//     log/                      its log, one file per weekday, overwritten after a week
//     start.log                 what initdb and the server say before that log is open
//     run/                      its socket; elsewhere if the path is too long for a socket
#pragma once

#include <map>
#include <string>

#include "gateway/base/result.hpp"
#include "gateway/store/child_process.hpp"

namespace banyan::store {

struct PostgresPrograms {
  std::string directory;  // holds initdb and postgres
  int major = 0;          // 15
};

// The programs of version `major`, or the newest if that is 0; 14 or later: in `directory` if given, else in
// /usr/lib/postgresql/*/bin, /usr/pgsql-*/bin and on PATH. Error: not_found, which says what to install.
Result<PostgresPrograms> find_postgres_programs(const std::string& directory, int major);

// The longest directory that a socket of PostgreSQL can be in: sun_path holds 107 bytes, ".s.PGSQL.5432" is the name.
constexpr std::size_t kSocketDirectoryLimitBytes = 107 - sizeof("/.s.PGSQL.5432") + 1;

// Where the socket goes: below `home` if that is short enough, else in a directory of its own, named after `home`,
// below /run (root), XDG_RUNTIME_DIR or /tmp.
std::string socket_directory_for(const std::string& home, const Account& account);

class PostgresCluster {
public:
  // Makes what is missing, initdb included (about a second), and writes the configuration anew. `settings`: further
  // PostgreSQL settings, which win over Banyan's. Errors name the path and what to do.
  static Result<PostgresCluster> prepare(const std::string& data_dir, const std::string& programs,
                                         const std::map<std::string, std::string>& settings);

  const std::string& home() const { return home_; }
  std::string data() const { return home_ + "/data"; }
  std::string start_log() const { return home_ + "/start.log"; }
  const std::string& socket_directory() const { return socket_directory_; }
  const Account& account() const { return account_; }
  const PostgresPrograms& programs() const { return programs_; }

  // What to start: postgres in the foreground.
  Command server() const;
  // Removes the socket directory if it is outside `home`.
  void remove_socket_directory() const;

private:
  PostgresCluster() = default;
  Result<void> own_home();
  Result<void> choose_programs(const std::string& programs);
  Result<void> initialise(bool durable) const;
  Result<void> make_socket_directory() const;
  bool knows_lz4() const;
  Result<void> configure(const std::map<std::string, std::string>& settings) const;
  Result<void> write(const std::string& name, const std::string& text) const;

  std::string home_;
  std::string socket_directory_;
  Account account_;
  PostgresPrograms programs_;
};

}  // namespace banyan::store
