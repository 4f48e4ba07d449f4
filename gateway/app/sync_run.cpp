#include "gateway/app/sync_run.hpp"

#include <unistd.h>

#include <chrono>
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

// The run of a stream in the answer of GET /api/sync; null if the stream is not there.
Json run_of(const Json& status, const Stream& wanted, RunKind kind) {
  for (const Json& system : list_in(status, "systems")) {
    if (member_text(system, "system") != wanted.system) continue;
    for (const Json& stream : list_in(system, "streams")) {
      if (member_text(stream, "entity") != wanted.entity) continue;
      const std::string name(to_string(kind));
      return stream.contains(name) ? stream.at(name) : Json();
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
    if (terminal_ && shown_) std::cerr << "\r\x1b[K";
  }

  void show(std::string line) {
    const auto now = std::chrono::steady_clock::now();
    if (!terminal_ && shown_ && now - *shown_ < kBetweenLines) return;
    shown_ = now;
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
  std::optional<SteadyTime> shown_;
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

Result<std::vector<EndedRun>> follow(const AdminClient& client, RunKind kind, const std::vector<Stream>& streams) {
  ProgressLine progress;
  SteadyTime reached = std::chrono::steady_clock::now();
  while (true) {
    const auto status = client.get("/api/sync");
    const auto now = std::chrono::steady_clock::now();
    if (status) {
      reached = now;
      std::vector<EndedRun> ended;
      std::string line;
      for (const Stream& stream : streams) {
        Json run = run_of(*status, stream, kind);
        if (run.is_null()) return fail(ErrorCode::not_found, name_of(stream) + " is not synchronised any more");
        if (has_ended(run)) {
          ended.push_back({stream, std::move(run)});
        } else {
          line += (line.empty() ? "" : "; ") + name_of(stream) + ": " +
                  (member_text(run, "state") == "waiting" ? "waiting" : progress_text(kind, run));
          const std::string message = member_text(run, "message");
          if (!message.empty()) line += ", " + printable(message);
        }
      }
      if (ended.size() == streams.size()) return ended;
      progress.show(std::move(line));
    } else if (now - reached > kUnreachable || status.error().code == ErrorCode::unauthenticated) {
      return tl::unexpected(status.error());
    }
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace banyan::app
