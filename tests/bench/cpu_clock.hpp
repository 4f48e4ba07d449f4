// CPU time of other processes with the scheduler's own resolution.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <system_error>

namespace banyan::load {

// Nanoseconds on a CPU of all threads that the processes now have (first figure of /proc/PID/task/TID/schedstat): user
// and kernel time. utime and stime of /proc/PID/stat only move in ticks of 10 ms. A thread that ends meanwhile takes
// its time with it.
inline std::uint64_t cpu_nanoseconds(std::span<const std::uint64_t> pids) {
  std::uint64_t sum = 0;
  for (const std::uint64_t pid : pids) {
    std::error_code gone;
    std::filesystem::directory_iterator tasks("/proc/" + std::to_string(pid) + "/task", gone);
    if (gone) throw std::system_error(gone, "process " + std::to_string(pid));
    for (const auto& task : tasks) {
      std::uint64_t on_cpu = 0;
      std::ifstream(task.path() / "schedstat") >> on_cpu;
      sum += on_cpu;
    }
  }
  return sum;
}

}  // namespace banyan::load
