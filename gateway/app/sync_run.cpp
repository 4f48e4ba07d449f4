#include "gateway/app/sync_run.hpp"

#include <unistd.h>

#include <iostream>
#include <thread>
#include <utility>

namespace banyan::app {
namespace {

constexpr std::chrono::milliseconds kPause{250};   // between two questions
constexpr std::chrono::seconds kBetweenLines{10};  // where standard error is no terminal
constexpr std::chrono::seconds kUnreachable{30};   // a server that restarts is back by then
constexpr std::size_t kTerminalColumns = 78;

std::string member_text(const Json& object, const char* name) {
  const bool is_there = object.is_object() && object.contains(name) && object.at(name).is_string();
  return is_there ? object.at(name).get<std::string>() : std::string();
}

Json list_in(const Json& object, const char* name) {
  return object.is_object() ? object.value(name, Json::array()) : Json::array();
}

// A stream in the answer of GET /api/sync, with its system; null if it is not there.
struct Found {
  Json system;
  Json stream;
};
Found find(const Json& status, const Stream& wanted) {
  for (const Json& system : list_in(status, "systems")) {
    if (member_text(system, "system") != wanted.system) continue;
    for (const Json& stream : list_in(system, "streams")) {
      if (member_text(stream, "entity") == wanted.entity) return {system, stream};
    }
  }
  return {};
}

bool has_ended(const Json& run) {
  const std::string state = member_text(run, "state");
  return state != "waiting" && state != "running";
}

// Shows one line of progress in place of the one before.
class ProgressLine {
public:
  ProgressLine() : terminal_(::isatty(STDERR_FILENO) != 0) {}
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine() {
    if (terminal_ && next_ != SteadyTime{}) std::cerr << "\r\x1b[K";
  }

  void show(std::string line) {
    const auto now = std::chrono::steady_clock::now();
    if (!terminal_ && now < next_) return;
    next_ = now + kBetweenLines;
    if (terminal_) {
      // A line that wraps could not be taken back. Bytes, not characters: at worst it is cut early.
      if (line.size() > kTerminalColumns) line.resize(kTerminalColumns);
      std::cerr << '\r' << line << "\x1b[K" << std::flush;
    } else {
      std::cerr << line << std::endl;
    }
  }

private:
  const bool terminal_;
  SteadyTime next_{};  // when another line may follow; as it is here: none was shown yet
};

}  // namespace

std::string name_of(const Stream& stream) {
  return printable(stream.system + " " + stream.entity);
}

std::vector<Stream> streams_of(const Json& answer) {
  std::vector<Stream> streams;
  for (const Json& each : list_in(answer, "started")) {
    streams.push_back({member_text(each, "system"), member_text(each, "entity")});
  }
  return streams;
}

std::vector<SkippedRun> skipped_of(const Json& answer) {
  std::vector<SkippedRun> skipped;
  for (const Json& each : list_in(answer, "skipped")) {
    const Stream stream{member_text(each, "system"), member_text(each, "entity")};
    skipped.push_back({stream, printable(member_text(each, "reason"))});
  }
  return skipped;
}

std::string Stall::reason(const Json& system, const Json& stream, SteadyTime now) {
  const auto with_reason = [](const std::string& what, const std::string& reason) {
    return printable(reason.empty() ? what : what + " (" + reason + ")");
  };
  const bool is_unkept = stream.is_object() && stream.value("process", Json()) == Json("");
  if (!is_unkept) unkept_since_.reset();
  if (is_unkept && !unkept_since_) unkept_since_ = now;
  if (member_text(stream, "state") == "paused") return with_reason("sync is paused", member_text(stream, "reason"));
  if (!is_unkept || now - *unkept_since_ < kGrace) return "";
  const std::string own = member_text(stream, "reason");
  return with_reason("no process of the role sync has it", own.empty() ? member_text(system, "reason") : own);
}

namespace {

// The runs that one command follows, from one status to the next.
class Followed {
public:
  Followed(RunKind kind, const std::vector<Stream>& streams)
      : kind_(kind), streams_(streams), stalls_(streams.size()) {}

  // How they stand; nothing as long as one goes on, and `line` then tells of those that have not ended.
  Result<std::optional<std::vector<EndedRun>>> look(const Json& status, SteadyTime now, std::string& line) {
    std::vector<EndedRun> runs;
    bool goes_on = false;
    for (std::size_t i = 0; i < streams_.size(); ++i) {
      const Found found = find(status, streams_[i]);
      const std::string name(to_string(kind_));
      if (!found.stream.contains(name)) {
        return fail(ErrorCode::not_found, name_of(streams_[i]) + " is not synchronised any more");
      }
      const Json& run = found.stream.at(name);
      const std::string stall = has_ended(run) ? "" : stalls_[i].reason(found.system, found.stream, now);
      if (!has_ended(run)) {
        line += (line.empty() ? "" : "; ") + name_of(streams_[i]) + ": " + (stall.empty() ? text_of(run) : stall);
        goes_on = goes_on || stall.empty();
      }
      runs.push_back({streams_[i], run, stall});
    }
    if (goes_on) return std::optional<std::vector<EndedRun>>{};
    return std::optional(std::move(runs));
  }

private:
  std::string text_of(const Json& run) const {
    const std::string message = printable(member_text(run, "message"));
    const bool waits = member_text(run, "state") == "waiting";
    return (waits ? "waiting" : progress_text(kind_, run)) + (message.empty() ? "" : ", " + message);
  }

  const RunKind kind_;
  const std::vector<Stream>& streams_;
  std::vector<Stall> stalls_;
};

}  // namespace

Result<std::vector<EndedRun>> follow(const AdminClient& client, RunKind kind, const std::vector<Stream>& streams) {
  ProgressLine progress;
  Followed followed(kind, streams);
  SteadyTime reached = std::chrono::steady_clock::now();
  while (true) {
    const auto status = client.get("/api/sync");
    const auto now = std::chrono::steady_clock::now();
    if (status) {
      reached = now;
      std::string line;
      auto runs = followed.look(*status, now, line);
      if (!runs) return tl::unexpected(std::move(runs.error()));
      if (*runs) return std::move(**runs);
      progress.show(std::move(line));
    } else if (now - reached > kUnreachable || status.error().code == ErrorCode::unauthenticated) {
      return tl::unexpected(status.error());
    }
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace banyan::app
