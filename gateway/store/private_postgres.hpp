// PrivatePostgres: a PostgreSQL of Banyan's own below data_dir, for when the settings name no store.url.
//
// It listens on a Unix socket in a directory that only its account may enter, and on nothing else. Its data stay from
// start to start. As root Banyan runs it as the user `postgres`, or as whoever owns the data. Within it:
//
//   postgres       superuser: makes the other two, for backup and for people
//   banyan_owner   owns the database and the schema `banyan`: applies schema files, nothing else
//   banyan_app     what the running program uses: SELECT, INSERT, UPDATE, DELETE on the tables of that schema
//
// Who logs in is decided by the account of the connecting process (peer), so no password is kept anywhere.
//
// If it ends while Banyan runs, it is started again. If Banyan is killed, PostgreSQL lives on, and the next start takes
// it over: sessions of the dead Banyan are ended, nothing else is lost. Two Banyans on one data_dir are refused by a
// lock that ends with its process.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/base/clock.hpp"
#include "gateway/base/result.hpp"
#include "gateway/base/secret.hpp"

namespace banyan::store {

struct PrivatePostgresOptions {
  std::string data_dir;                            // made if absent
  std::string programs;                            // directory of initdb and postgres; empty: found
  std::map<std::string, std::string> settings;     // of PostgreSQL; they win over Banyan's
  std::chrono::milliseconds start_limit{120'000};  // crash recovery included
  std::chrono::milliseconds stop_limit{60'000};    // then it is ended at once, and recovers at the next start
  bool survives_this_process = true;  // false: it is stopped when the thread that called start() ends, however it ends
};

class PrivatePostgres {
public:
  // Blocks until it answers: about a second, two at the very first start. `clock` must outlive the object. Errors are
  // meant for people: their public messages name the path, the cause and the remedy.
  //   conflict           another Banyan uses data_dir
  //   not_found          no server programs, or none of the version that made the data
  //   permission_denied  a directory belongs to somebody else or cannot be entered
  //   internal, deadline it did not start: with the end of what it said
  static Result<std::unique_ptr<PrivatePostgres>> start(PrivatePostgresOptions options, const Clock& clock);

  ~PrivatePostgres();  // stop()
  PrivatePostgres(const PrivatePostgres&) = delete;
  PrivatePostgres& operator=(const PrivatePostgres&) = delete;

  Secret owner_url() const { return url("banyan_owner", "banyan"); }
  Secret app_url() const { return url("banyan_app", "banyan"); }
  // For libpq, with any of the three roles.
  Secret url(std::string_view role, std::string_view database) const;

  // Makes a further database with the roles and rights that `banyan` has; one that exists is left as it is. `name`:
  // letters, digits and underscores.
  Result<void> make_database(const std::string& name);

  // Whether start() found it running and took it over.
  bool adopted() const;
  // The process id of the server; 0: it is not running.
  int process() const;

  // Ends sessions, writes a checkpoint, stops ("fast"). Safe twice. One that ended by itself is no error. Not from two
  // threads at a time.
  Result<void> stop();

private:
  class Impl;
  explicit PrivatePostgres(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace banyan::store
