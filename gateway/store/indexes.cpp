#include "gateway/store/indexes.hpp"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "gateway/base/log.hpp"
#include "gateway/store/session.hpp"

namespace banyan::store {
namespace {

// Any number that no other program on the same database is likely to choose. Only tried, never waited for: whoever
// waits has a snapshot, and CREATE INDEX CONCURRENTLY waits for the end of all older ones.
constexpr const char* kLock = "SELECT pg_try_advisory_lock(4242006215382)";

// No role or database of the server's administrator may cut it short.
constexpr const char* kNoLimits =
    "SET statement_timeout = 0; SET lock_timeout = 0; SET idle_session_timeout = 0; SET client_min_messages = error";

// The comment on an index says that it is ours, and of which definition.
constexpr std::string_view kMark = "made by Banyan: ";
constexpr const char* kPresent =
    "SELECT c.relname, i.indisvalid AND i.indisready, coalesce(obj_description(c.oid, 'pg_class'), '') "
    "FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname = 'banyan'";

constexpr int kLookForStopMs = 100;

struct Clear {
  void operator()(PGresult* result) const { PQclear(result); }
};
struct Finish {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
using Rows = std::unique_ptr<PGresult, Clear>;

std::string text_at(const Rows& rows, int row, int column) {
  return PQgetvalue(rows.get(), row, column);
}

std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? "''" : std::string(1, c);
  return out + "'";
}

std::string in_one_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

// A connection whose statements take as long as they take, and end when one wants to stop. libpq itself, since libpqxx
// can neither wait for two things nor run a statement outside of a transaction of its own making.
class Line {
public:
  Line(const Secret& conninfo, const std::stop_token& stop)
      : connection_(PQconnectdb(conninfo.reveal().c_str())), stop_(stop) {}

  bool is_open() const { return PQstatus(connection_.get()) == CONNECTION_OK; }
  std::string trouble() const { return in_one_line(PQerrorMessage(connection_.get())); }

  // The rows of the last statement. Error: unavailable, stopped or lost; else internal, with PostgreSQL's message.
  Result<Rows> run(const std::string& sql) {
    if (PQsendQuery(connection_.get(), sql.c_str()) == 0) return lost();
    bool cancelled = false;
    while (PQisBusy(connection_.get()) != 0) {
      if (stop_.stop_requested() && !std::exchange(cancelled, true)) cancel();
      pollfd waiting{PQsocket(connection_.get()), POLLIN, 0};
      ::poll(&waiting, 1, kLookForStopMs);
      if (PQconsumeInput(connection_.get()) == 0) return lost();
    }
    return last_result(cancelled);
  }

private:
  Result<Rows> last_result(bool cancelled) {
    Rows last;
    std::string fault;
    while (PGresult* result = PQgetResult(connection_.get())) {
      last.reset(result);
      if (PQresultStatus(result) != PGRES_FATAL_ERROR) continue;
      fault = in_one_line(PQresultErrorMessage(result));
    }
    if (!is_open()) return lost();
    if (fault.empty()) return last;
    return cancelled ? fail(ErrorCode::unavailable, "stopped") : fail(ErrorCode::internal, fault);
  }

  tl::unexpected<Error> lost() const { return fail(ErrorCode::unavailable, "the store cannot be reached", trouble()); }

  void cancel() const {
    char reason[256];
    PGcancel* cancel = PQgetCancel(connection_.get());
    PQcancel(cancel, reason, sizeof reason);
    PQfreeCancel(cancel);
  }

  std::unique_ptr<PGconn, Finish> connection_;
  const std::stop_token& stop_;
};

struct Present {
  bool is_whole = false;
  std::string comment;
};

Result<std::map<std::string, Present>> present_indexes(Line& line) {
  const auto rows = line.run(kPresent);
  if (!rows) return tl::unexpected(rows.error());
  std::map<std::string, Present> present;
  for (int i = 0; i < PQntuples(rows->get()); ++i) {
    present[text_at(*rows, i, 0)] = {text_at(*rows, i, 1) == "t", text_at(*rows, i, 2)};
  }
  return present;
}

std::string comment_of(const Index& index) {
  return std::string(kMark) + index.on;
}

// Empty: done. The error: the line is of no more use.
Result<std::string> try_on(Line& line, const std::string& sql) {
  const auto done = line.run(sql);
  if (done) return std::string();
  if (done.error().code == ErrorCode::unavailable) return tl::unexpected(done.error());
  return done.error().public_message;
}

Result<std::string> comment_on(Line& line, const Index& index) {
  return try_on(line, "COMMENT ON INDEX banyan." + index.name + " IS " + quoted(comment_of(index)));
}

// Makes it, once what stands in its place is gone. As try_on().
Result<std::string> make(Line& line, const Index& index, bool is_in_the_way) {
  const std::string drop = "DROP INDEX CONCURRENTLY IF EXISTS banyan." + index.name;
  if (is_in_the_way) {
    if (auto dropped = try_on(line, drop); !dropped || !dropped->empty()) return dropped;
  }
  auto made = try_on(line, "CREATE INDEX CONCURRENTLY " + index.name + " ON " + index.on);
  if (!made) return made;
  if (!made->empty()) {
    // What is left of it serves no reader, and costs every writer.
    const auto dropped = try_on(line, drop);
    return dropped ? made : dropped;
  }
  return comment_on(line, index);
}

Result<void> remove_unwanted(Line& line, std::span<const Index> wanted, const std::map<std::string, Present>& present,
                             IndexReport& report) {
  for (const auto& [name, state] : present) {
    const auto is_it = [&name = name](const Index& index) { return index.name == name; };
    if (!state.comment.starts_with(kMark) || std::any_of(wanted.begin(), wanted.end(), is_it)) continue;
    const auto removed = try_on(line, "DROP INDEX CONCURRENTLY IF EXISTS banyan." + name);
    if (!removed) return tl::unexpected(removed.error());
    if (!removed->empty()) report.failed.push_back({name, *removed});
  }
  return {};
}

}  // namespace

Result<IndexReport> make_indexes(const Secret& url, std::span<const Index> wanted, const std::stop_token& stop) {
  SessionOptions options;
  options.url = url;
  options.application_name = "banyan indexes";
  const auto conninfo = connection_string(options);
  if (!conninfo) return tl::unexpected(conninfo.error());
  Line line(*conninfo, stop);
  if (!line.is_open()) return fail(ErrorCode::unavailable, "the store cannot be reached", line.trouble());
  const auto locked = line.run(kLock);
  if (!locked) return tl::unexpected(locked.error());
  if (text_at(*locked, 0, 0) != "t") return fail(ErrorCode::conflict, "another process makes the indexes");
  if (const auto unlimited = line.run(kNoLimits); !unlimited) return tl::unexpected(unlimited.error());
  const auto present = present_indexes(line);
  if (!present) return tl::unexpected(present.error());

  IndexReport report;
  if (auto removed = remove_unwanted(line, wanted, *present, report); !removed) {
    return tl::unexpected(std::move(removed.error()));
  }
  for (const Index& index : wanted) {
    const auto found = present->find(index.name);
    const bool is_there = found != present->end();
    const bool is_whole = is_there && found->second.is_whole;
    const std::string comment = is_there ? found->second.comment : "";
    if (is_whole && comment == comment_of(index)) continue;
    if (is_whole && !comment.starts_with(kMark)) {
      // Of an older version, or of a process that was killed before it could comment.
      if (const auto fault = comment_on(line, index); !fault) return tl::unexpected(fault.error());
      continue;
    }
    const auto fault = make(line, index, is_there);
    if (!fault) return tl::unexpected(fault.error());
    if (fault->empty()) {
      report.made.push_back(index.name);
    } else {
      report.failed.push_back({index.name, *fault});
    }
  }
  return report;
}

}  // namespace banyan::store
