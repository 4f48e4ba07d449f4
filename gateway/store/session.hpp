// Session: one connection to PostgreSQL, as the pool and the listener use it.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <pqxx/pqxx>
#include <string>

#include "gateway/base/result.hpp"
#include "gateway/base/secret.hpp"

namespace banyan::store {

struct SessionOptions {
  Secret url;  // postgresql://… or a libpq keyword string
  std::chrono::milliseconds connect_timeout{5'000};
  std::string application_name;
};

// The libpq keyword string for `options`: what the URL says, and Banyan's defaults for what it leaves open. A peer that
// no longer answers is noticed within about 25 s. Error: invalid_argument if libpq does not understand the URL; the
// message repeats no part of it.
Result<Secret> connection_string(const SessionOptions& options);

class Session {
public:
  // Connects; blocks for at most about `connect_timeout` (whole seconds, at least 2, as libpq has it) per address.
  // Error: unavailable, invalid_argument.
  static Result<std::unique_ptr<Session>> open(const SessionOptions& options);

  pqxx::connection_base& connection() { return connection_; }
  bool usable() const { return connection_.is_open(); }

private:
  class QuietNotices;
  explicit Session(const std::string& conninfo);

  pqxx::connection connection_;
  std::unique_ptr<pqxx::errorhandler> notices_;
};

}  // namespace banyan::store
