#include "gateway/store/private_postgres.hpp"

#include <libpq-fe.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <optional>
#include <sstream>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "gateway/base/log.hpp"
#include "gateway/base/text_file.hpp"
#include "gateway/store/child_process.hpp"
#include "gateway/store/file_lock.hpp"
#include "gateway/store/postgres_cluster.hpp"
#include "gateway/store/provision.hpp"

namespace banyan::store {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr milliseconds kBetweenLooks{10};
constexpr milliseconds kImmediateStopLimit{10'000};
constexpr milliseconds kFirstPause{100};
constexpr milliseconds kLongestPause{10'000};
constexpr milliseconds kDesertedLimit{10'000};

// What postmaster.pid says: process id, data directory, start time, port, socket directory, one per line.
struct RunningServer {
  pid_t id = 0;
  std::string socket_directory;
};

std::optional<RunningServer> read_pid_file(const std::string& data) {
  const auto text = read_text_file(data + "/postmaster.pid", 4096);
  if (!text) return std::nullopt;
  std::istringstream lines(*text);
  std::array<std::string, 5> line;
  for (std::string& each : line) std::getline(lines, each);
  const long id = std::atol(line[0].c_str());
  if (id <= 1) return std::nullopt;
  return RunningServer{static_cast<pid_t>(id), line[4]};
}

// Whether that process is the server of `data`: its working directory is. The number alone says nothing, because the
// system gives it to others.
bool serves(pid_t id, const std::string& data) {
  std::error_code error;
  const fs::path directory = fs::read_symlink("/proc/" + std::to_string(id) + "/cwd", error);
  if (error) return false;
  return fs::equivalent(directory, data, error);
}

// Whether any process works in `data`: a server, or what a killed server left behind for a moment.
bool is_in_use(const std::string& data) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const int id = std::atoi(entry.path().filename().c_str());
    if (id > 0 && serves(id, data)) return true;
  }
  return false;
}

// Whether its program file is still the installed one: an upgrade replaces it.
bool runs_current_program(pid_t id) {
  std::error_code error;
  const std::string program = fs::read_symlink("/proc/" + std::to_string(id) + "/exe", error).string();
  return !error && !program.ends_with(" (deleted)");
}

bool is_plain_name(const std::string& name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

Result<std::string> absolute_directory(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return fail(ErrorCode::permission_denied, "cannot make " + path + ": " + error.message());
  const fs::path absolute = fs::canonical(path, error);
  if (error) return fail(ErrorCode::permission_denied, "cannot enter " + path + ": " + error.message());
  return absolute.string();
}

std::string in_quotes(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

}  // namespace

class PrivatePostgres::Impl {
public:
  Impl(PrivatePostgresOptions options, FileLock lock, PostgresCluster cluster, const Clock& clock)
      : options_(std::move(options)),
        lock_(std::move(lock)),
        cluster_(std::move(cluster)),
        clock_(clock),
        stop_(::eventfd(0, EFD_CLOEXEC)) {
    if (stop_ < 0) throw std::system_error(errno, std::system_category(), "eventfd");
  }
  ~Impl() { ::close(stop_); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<void> bring_up();
  Result<void> stop();
  Secret url(std::string_view role, std::string_view database) const;
  Result<void> provision_database(const std::string& name) const;
  bool adopted() const {
    const std::lock_guard lock(mutex_);
    return adopted_;
  }
  int process() const {
    const std::lock_guard lock(mutex_);
    return server_ ? server_->id() : 0;
  }

private:
  std::optional<Process> find_running() const;
  Result<void> take_over(Deadline deadline);
  Result<void> launch();
  Result<void> wait_until_it_answers(Deadline deadline);
  Result<void> end(Process& server) const;
  Error did_not_start(const std::string& what) const;
  void watch();
  void revive();
  // Waits until `descriptor` is readable, or for a time. False: stop() was called.
  bool wait_for(int descriptor, int limit_milliseconds) const;

  const PrivatePostgresOptions options_;
  std::optional<FileLock> lock_;
  const PostgresCluster cluster_;
  const Clock& clock_;
  const int stop_;  // readable from stop() on
  std::thread watcher_;
  mutable std::mutex mutex_;  // what follows; only the watcher changes it while it runs
  std::optional<Process> server_;
  bool adopted_ = false;
};

Secret PrivatePostgres::Impl::url(std::string_view role, std::string_view database) const {
  return Secret("host=" + in_quotes(cluster_.socket_directory()) + " port=5432 user=" + in_quotes(role) +
                " dbname=" + in_quotes(database));
}

Result<void> PrivatePostgres::Impl::provision_database(const std::string& name) const {
  return provision([this](const std::string& database) { return url("postgres", database); }, name);
}

Result<void> PrivatePostgres::Impl::bring_up() {
  const Deadline deadline = Deadline::after(clock_, options_.start_limit);
  if (auto done = take_over(deadline); !done) return done;
  if (!server_) {
    if (auto done = launch(); !done) return done;
  }
  if (auto done = wait_until_it_answers(deadline); !done) return done;
  if (adopted_) {
    if (auto done = end_sessions(url("postgres", "postgres")); !done) return done;
  }
  if (auto done = provision_database("banyan"); !done) return done;
  watcher_ = std::thread([this] { watch(); });
  return {};
}

bool PrivatePostgres::Impl::wait_for(int descriptor, int limit_milliseconds) const {
  std::array<pollfd, 2> watched{pollfd{stop_, POLLIN, 0}, pollfd{descriptor, POLLIN, 0}};
  while (::poll(watched.data(), watched.size(), limit_milliseconds) < 0 && errno == EINTR) {
  }
  return watched[0].revents == 0;
}

// Starts the server again whenever it ends by itself, at a growing distance if that does not help.
void PrivatePostgres::Impl::watch() {
  milliseconds pause = kFirstPause;
  SteadyTime started = clock_.now();
  while (wait_for(server_ ? server_->descriptor() : -1, server_ ? -1 : 0)) {
    if (clock_.now() - started > kLongestPause) pause = kFirstPause;
    log::error("the private postgresql ended; starting it again", {{"log", cluster_.home() + "/log"}});
    if (!wait_for(-1, static_cast<int>(pause.count()))) return;
    pause = std::min(pause * 2, kLongestPause);
    started = clock_.now();
    revive();
  }
}

void PrivatePostgres::Impl::revive() {
  const std::lock_guard lock(mutex_);
  if (server_) server_->wait(milliseconds::zero());  // leaves no zombie
  server_.reset();
  auto done = take_over(Deadline::after(clock_, kDesertedLimit));
  if (done && !server_) done = launch();
  if (!done) log::error("cannot start the private postgresql", {{"reason", done.error().public_message}});
}

// The running server of our data, whoever started it.
std::optional<Process> PrivatePostgres::Impl::find_running() const {
  const auto running = read_pid_file(cluster_.data());
  if (!running) return std::nullopt;
  auto process = Process::find(running->id);
  if (!process || !serves(running->id, cluster_.data())) return std::nullopt;
  return process;
}

// A server left by a Banyan that was killed is kept if it is as this one would start it, and stopped otherwise.
Result<void> PrivatePostgres::Impl::take_over(Deadline deadline) {
  if (auto process = find_running()) {
    const auto running = read_pid_file(cluster_.data());
    if (running && running->socket_directory == cluster_.socket_directory() && runs_current_program(process->id())) {
      log::info("taking over a running postgresql", {{"process", process->id()}});
      process->signal(SIGHUP);  // the configuration was written anew
      server_ = std::move(process);
      adopted_ = true;
      return {};
    }
    log::info("stopping a postgresql that was left running", {{"process", process->id()}});
    if (auto done = end(*process); !done) return done;
  }
  while (is_in_use(cluster_.data())) {
    if (deadline.passed(clock_.now())) {
      return fail(ErrorCode::conflict, "processes of an earlier PostgreSQL still use " + cluster_.data());
    }
    std::this_thread::sleep_for(kBetweenLooks);
  }
  // Nobody is there. PostgreSQL would not start while any process of its account has the number that is in this file.
  std::error_code error;
  fs::remove(cluster_.data() + "/postmaster.pid", error);
  return {};
}

Result<void> PrivatePostgres::Impl::launch() {
  Command command = cluster_.server();
  if (!options_.survives_this_process) command.signal_on_parent_death = SIGINT;
  auto process = Process::start(command);
  if (!process) return tl::unexpected<Error>(std::move(process.error()));
  server_ = std::move(*process);
  return {};
}

Result<void> PrivatePostgres::Impl::wait_until_it_answers(Deadline deadline) {
  const std::string conninfo = url("postgres", "postgres").reveal();
  while (PQping(conninfo.c_str()) != PQPING_OK) {
    if (server_->wait(kBetweenLooks)) {
      server_.reset();
      return tl::unexpected<Error>(did_not_start("the private PostgreSQL ended while starting"));
    }
    if (deadline.passed(clock_.now())) {
      Error error = did_not_start("the private PostgreSQL does not answer");
      error.code = ErrorCode::deadline;
      return tl::unexpected<Error>(std::move(error));
    }
  }
  return {};
}

Error PrivatePostgres::Impl::did_not_start(const std::string& what) const {
  return {ErrorCode::internal,
          what + " (" + cluster_.start_log() + "): " + end_of_file(cluster_.start_log(), 600) +
              " (log: " + cluster_.home() + "/log)",
          ""};
}

Result<void> PrivatePostgres::Impl::end(Process& server) const {
  server.signal(SIGINT);  // "fast": sessions end, a checkpoint is written
  if (server.wait(options_.stop_limit)) return {};
  log::warn("postgresql takes too long to stop", {{"process", server.id()}});
  server.signal(SIGQUIT);  // "immediate": it recovers from its log at the next start
  if (server.wait(kImmediateStopLimit)) return {};
  return fail(ErrorCode::deadline, "PostgreSQL (process " + std::to_string(server.id()) + ") does not stop");
}

Result<void> PrivatePostgres::Impl::stop() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = ::write(stop_, &one, sizeof one);
  if (watcher_.joinable()) watcher_.join();
  const std::lock_guard lock(mutex_);
  if (!server_) return {};
  // pg_ctl restart, by hand, leaves another process.
  if (server_->wait(milliseconds::zero())) server_ = find_running();
  Result<void> done;
  if (server_) done = end(*server_);
  server_.reset();
  cluster_.remove_socket_directory();
  lock_.reset();
  return done;
}

Result<std::unique_ptr<PrivatePostgres>> PrivatePostgres::start(PrivatePostgresOptions options, const Clock& clock) {
  auto directory = absolute_directory(options.data_dir);
  if (!directory) return tl::unexpected<Error>(std::move(directory.error()));
  auto lock = FileLock::take(*directory + "/postgres.lock");
  if (!lock) return tl::unexpected<Error>(std::move(lock.error()));
  auto cluster = PostgresCluster::prepare(*directory, options.programs, options.settings);
  if (!cluster) return tl::unexpected<Error>(std::move(cluster.error()));
  auto impl = std::make_unique<Impl>(std::move(options), std::move(*lock), std::move(*cluster), clock);
  std::unique_ptr<PrivatePostgres> postgres(new PrivatePostgres(std::move(impl)));
  auto up = postgres->impl_->bring_up();
  if (!up) return tl::unexpected<Error>(std::move(up.error()));  // what was started is stopped with it
  return postgres;
}

PrivatePostgres::PrivatePostgres(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

PrivatePostgres::~PrivatePostgres() {
  if (auto done = stop(); !done) log::error("cannot stop postgresql", {{"reason", done.error().public_message}});
}

Secret PrivatePostgres::url(std::string_view role, std::string_view database) const {
  return impl_->url(role, database);
}

Result<void> PrivatePostgres::make_database(const std::string& name) {
  if (!is_plain_name(name)) return fail(ErrorCode::invalid_argument, "not a name for a database: " + name);
  return impl_->provision_database(name);
}

bool PrivatePostgres::adopted() const {
  return impl_->adopted();
}

int PrivatePostgres::process() const {
  return impl_->process();
}

Result<void> PrivatePostgres::stop() {
  return impl_->stop();
}

}  // namespace banyan::store
