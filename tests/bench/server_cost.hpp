// What a stretch of work costs: wall time, CPU time of this process and of a PostgreSQL server, and write-ahead log.
#pragma once

#include <time.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>

namespace banyan::bench {

// CPU time of a server and of all its processes, those that have ended too. `server`: its first process.
inline double server_cpu_seconds(int server) {
  const std::string home = "/proc/" + std::to_string(server);
  const auto on_cpu = [](const std::string& process) {
    std::uint64_t nanoseconds = 0;
    std::ifstream(process + "/schedstat") >> nanoseconds;
    return static_cast<double>(nanoseconds) / 1e9;
  };
  double sum = on_cpu(home);
  std::ifstream children(home + "/task/" + std::to_string(server) + "/children");
  for (std::string child; children >> child;) sum += on_cpu("/proc/" + child);
  std::string stat;
  std::getline(std::ifstream(home + "/stat"), stat);
  std::istringstream fields(stat.substr(stat.rfind(')') + 2));  // from the third on
  std::string skipped;
  for (int i = 3; i < 16; ++i) fields >> skipped;
  double user = 0, kernel = 0;
  fields >> user >> kernel;  // of children that have ended, in ticks
  return sum + (user + kernel) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

inline double own_cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

struct Cost {
  double seconds = 0;
  double own_cpu = 0;     // seconds
  double server_cpu = 0;  // seconds
  double wal_bytes = 0;
};

// Adds up what lies between start() and stop().
class CostMeter {
public:
  // `wal_position`: bytes of write-ahead log up to now.
  CostMeter(int server, std::function<double()> wal_position)
      : server_(server), wal_position_(std::move(wal_position)) {}

  void start() {
    began_ = now();
    began_.seconds = seconds_now();  // last, as stop() looks at it first
  }
  void stop() {
    const Cost end = now();
    sum_.seconds += end.seconds - began_.seconds;
    sum_.own_cpu += end.own_cpu - began_.own_cpu;
    sum_.server_cpu += end.server_cpu - began_.server_cpu;
    sum_.wal_bytes += end.wal_bytes - began_.wal_bytes;
  }
  double seconds() const { return sum_.seconds; }
  const Cost& cost() const { return sum_; }

private:
  static double seconds_now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  }
  Cost now() const { return {seconds_now(), own_cpu_seconds(), server_cpu_seconds(server_), wal_position_()}; }

  const int server_;
  const std::function<double()> wal_position_;
  Cost began_;
  Cost sum_;
};

}  // namespace banyan::bench
