// ProcessFigures from /proc (proc(5)).
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include "gateway/app/metrics.hpp"

namespace banyan::app {
namespace {

// Fields of /proc/self/stat as proc(5) numbers them, from the third on: the second is the program's name, which may
// hold blanks and brackets.
constexpr std::size_t kFirstField = 3;
constexpr std::size_t kUserTime = 14;
constexpr std::size_t kSystemTime = 15;
constexpr std::size_t kThreads = 20;
constexpr std::size_t kStartTime = 22;
constexpr std::size_t kResidentPages = 24;

std::vector<std::string> stat_fields() {
  std::ifstream file("/proc/self/stat");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::size_t end_of_name = text.rfind(')');
  if (end_of_name == std::string::npos) return {};
  std::istringstream rest(text.substr(end_of_name + 1));
  return {std::istream_iterator<std::string>(rest), {}};
}

double boot_time_seconds() {
  std::ifstream file("/proc/stat");
  std::string word;
  while (file >> word) {
    double seconds = 0;
    if (word == "btime" && file >> seconds) return seconds;
  }
  return 0;
}

std::uint64_t count_descriptors() {
  std::error_code ec;
  const std::filesystem::directory_iterator entries("/proc/self/fd", ec);
  if (ec) return 0;
  const auto count = std::distance(begin(entries), end(entries));
  return static_cast<std::uint64_t>(count) - 1;  // the one that reads the directory
}

}  // namespace

std::optional<ProcessFigures> read_process_figures() {
  const std::vector<std::string> fields = stat_fields();
  if (fields.size() <= kResidentPages - kFirstField) return std::nullopt;
  const auto field = [&](std::size_t number) { return std::stoull(fields[number - kFirstField]); };
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  ProcessFigures figures;
  figures.resident_bytes = field(kResidentPages) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  figures.open_descriptors = count_descriptors();
  figures.descriptor_limit = limit.rlim_cur;
  figures.threads = field(kThreads);
  figures.cpu_seconds = static_cast<double>(field(kUserTime) + field(kSystemTime)) / ticks;
  figures.start_time_seconds = boot_time_seconds() + static_cast<double>(field(kStartTime)) / ticks;
  return figures;
}

}  // namespace banyan::app
