#include "gateway/store/postgres_cluster.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "gateway/base/log.hpp"
#include "gateway/base/text_file.hpp"

namespace banyan::store {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::minutes kInitdbLimit{5};
constexpr const char* kServiceAccount = "postgres";

// Data of clients is kept out of the log: no statements, no DETAIL.
constexpr const char* kSettings =
    R"(# Written by Banyan at every start. Your own settings: local.conf in this directory.
listen_addresses = ''
port = 5432
unix_socket_permissions = 0700
cluster_name = 'banyan'
max_connections = 100
shared_buffers = '128MB'
max_wal_size = '2GB'
checkpoint_timeout = '15min'
random_page_cost = 1.1
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
logging_collector = on
log_filename = 'postgresql-%a.log'
log_truncate_on_rotation = on
log_rotation_age = '1d'
log_rotation_size = 0
log_min_messages = warning
log_min_error_statement = panic
log_error_verbosity = terse
log_line_prefix = '%m [%p] %a '
)";

std::string why(int error) {
  return std::system_category().message(error);
}

std::string in_quotes(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += c;
    quoted += c;
  }
  return quoted + "'";
}

// FNV-1a: short and stable names for directories.
std::string hash_of(const std::string& text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  std::array<char, 17> hex{};
  std::snprintf(hex.data(), hex.size(), "%016llx", static_cast<unsigned long long>(hash));
  return hex.data();
}

// A directory that is the account's alone: made, or checked if it is there, so that nobody can put one in its place.
Result<void> make_private_directory(const std::string& path, const Account& account) {
  const bool made = ::mkdir(path.c_str(), 0700) == 0;
  if (!made && errno != EEXIST) return fail(ErrorCode::internal, "cannot make " + path + ": " + why(errno));
  if (made && ::geteuid() != account.uid && ::chown(path.c_str(), account.uid, account.gid) != 0) {
    return fail(ErrorCode::internal, "cannot give " + path + " to " + account.name + ": " + why(errno));
  }
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0)
    return fail(ErrorCode::internal, "cannot look at " + path + ": " + why(errno));
  if (!S_ISDIR(found.st_mode)) return fail(ErrorCode::conflict, path + " is not a directory");
  if (found.st_uid != account.uid) {
    return fail(ErrorCode::permission_denied,
                path + " does not belong to " + account.name + ", as which PostgreSQL runs");
  }
  if ((found.st_mode & 077) != 0 && ::chmod(path.c_str(), 0700) != 0) {
    return fail(ErrorCode::permission_denied, path + " is open to others and cannot be closed: " + why(errno));
  }
  return {};
}

}  // namespace

std::string socket_directory_for(const std::string& home, const Account& account) {
  std::string below = home + "/run";
  if (below.size() <= kSocketDirectoryLimitBytes) return below;
  const std::string name = "banyan-" + std::to_string(account.uid) + "-" + hash_of(home);
  if (::geteuid() == 0 && ::access("/run", W_OK) == 0) return "/run/" + name;
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");  // NOLINT(concurrency-mt-unsafe): nobody sets it
  if (runtime != nullptr && ::access(runtime, W_OK) == 0) {
    std::string path = std::string(runtime) + "/" + name;
    if (path.size() <= kSocketDirectoryLimitBytes) return path;
  }
  return "/tmp/" + name;
}

Result<PostgresCluster> PostgresCluster::prepare(const std::string& data_dir, const std::string& programs,
                                                 const std::map<std::string, std::string>& settings) {
  PostgresCluster cluster;
  cluster.home_ = data_dir + "/postgres";
  const auto fsync = settings.find("fsync");
  const bool durable = fsync == settings.end() || fsync->second != "off";
  if (auto done = cluster.own_home(); !done) return tl::unexpected<Error>(std::move(done.error()));
  if (auto done = cluster.choose_programs(programs); !done) return tl::unexpected<Error>(std::move(done.error()));
  if (auto done = cluster.initialise(durable); !done) return tl::unexpected<Error>(std::move(done.error()));
  cluster.socket_directory_ = socket_directory_for(cluster.home_, cluster.account_);
  if (auto done = cluster.make_socket_directory(); !done) return tl::unexpected<Error>(std::move(done.error()));
  if (auto done = cluster.configure(settings); !done) return tl::unexpected<Error>(std::move(done.error()));
  return cluster;
}

// PostgreSQL refuses to run as root: then it runs as whoever owns the data, and `postgres` at first.
Result<void> PostgresCluster::own_home() {
  struct stat found {};
  const bool belongs_to_a_user = ::lstat(home_.c_str(), &found) == 0 && found.st_uid != 0;
  auto account = ::geteuid() != 0    ? own_account()
                 : belongs_to_a_user ? account_with_id(found.st_uid)
                                     : account_named(kServiceAccount);
  if (!account) {
    return fail(ErrorCode::unsupported, account.error().public_message +
                                            ", as which PostgreSQL could run: make it, or run Banyan as another user");
  }
  account_ = std::move(*account);
  return make_private_directory(home_, account_);
}

Result<void> PostgresCluster::choose_programs(const std::string& programs) {
  int major = 0;
  if (const auto version = read_text_file(data() + "/PG_VERSION", 64)) {
    major = std::atoi(version->c_str());
    if (major <= 0) return fail(ErrorCode::conflict, data() + "/PG_VERSION does not name a version of PostgreSQL");
  }
  auto found = find_postgres_programs(programs, major);
  if (!found) {
    return fail(found.error().code, home_ + ": " + found.error().public_message);
  }
  programs_ = std::move(*found);
  return {};
}

Result<void> PostgresCluster::initialise(bool durable) const {
  if (fs::exists(data() + "/PG_VERSION")) return {};
  // initdb that was broken off is not taken for done: the directory gets its name at the end.
  const std::string unfinished = home_ + "/data.unfinished";
  std::error_code error;
  fs::remove_all(unfinished, error);
  log::info("making a private postgresql", {{"directory", data()}, {"version", programs_.major}});
  Command command;
  command.program = programs_.directory + "/initdb";
  command.arguments = {"--no-instructions",
                       "--encoding=UTF8",
                       "--locale=C.UTF-8",
                       "--auth=peer",
                       "--username=postgres",
                       "--data-checksums",
                       "-D",
                       unfinished};
  if (!durable) command.arguments.emplace_back("--no-sync");
  command.directory = home_;
  command.output = start_log();
  command.account = account_;
  if (auto done = run_program(command, kInitdbLimit); !done) return done;
  fs::rename(unfinished, data(), error);
  if (error) return fail(ErrorCode::internal, "cannot make " + data() + ": " + error.message());
  return {};
}

Result<void> PostgresCluster::make_socket_directory() const {
  if (socket_directory_.size() > kSocketDirectoryLimitBytes) {
    return fail(ErrorCode::unsupported, socket_directory_ + " is too long for a socket of PostgreSQL");
  }
  return make_private_directory(socket_directory_, account_);
}

// Pages in the write-ahead log are compressed: without that it grows fivefold. PostgreSQL's own method takes several
// times as long as LZ4, which not every build has.
bool PostgresCluster::knows_lz4() const {
  if (programs_.major < 15) return false;
  Command command = server();
  command.arguments.insert(command.arguments.end(), {"-c", "wal_compression=lz4", "-C", "wal_compression"});
  command.output.clear();
  const auto text = output_of(command);
  return text && text->ends_with("lz4\n");
}

Result<void> PostgresCluster::configure(const std::map<std::string, std::string>& settings) const {
  std::string text = kSettings;
  text += knows_lz4() ? "wal_compression = lz4\n" : "wal_compression = on\n";
  text += "unix_socket_directories = " + in_quotes(socket_directory_) + "\n";
  text += "log_directory = " + in_quotes(home_ + "/log") + "\n";
  for (const auto& [name, value] : settings) text += name + " = " + in_quotes(value) + "\n";
  text += "include_if_exists 'local.conf'\n";
  auto self = own_account();
  if (!self) return tl::unexpected<Error>(std::move(self.error()));
  std::string ident = "# Written by Banyan at every start: who may be whom.\n";
  for (const std::string& user : {self->name, account_.name}) {
    for (const char* role : {"postgres", "banyan_owner", "banyan_app"}) {
      ident += "banyan \"" + user + "\" " + role + "\n";
    }
    if (self->name == account_.name) break;
  }
  if (auto done = write("postgresql.conf", text); !done) return done;
  if (auto done = write("pg_ident.conf", ident); !done) return done;
  return write("pg_hba.conf", "# Written by Banyan at every start.\nlocal all all peer map=banyan\n");
}

Result<void> PostgresCluster::write(const std::string& name, const std::string& text) const {
  const std::string path = data() + "/" + name;
  const std::string fresh = path + ".new";
  ::unlink(fresh.c_str());
  // O_EXCL: the directory belongs to the account, and root follows no link that was put there.
  const int file = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0) return fail(ErrorCode::internal, "cannot write " + fresh + ": " + why(errno));
  const bool whole = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const bool given = ::geteuid() == account_.uid || ::fchown(file, account_.uid, account_.gid) == 0;
  const int error = errno;
  ::close(file);
  if (!whole || !given || ::rename(fresh.c_str(), path.c_str()) != 0) {
    return fail(ErrorCode::internal, "cannot write " + path + ": " + why(whole && given ? errno : error));
  }
  return {};
}

Command PostgresCluster::server() const {
  Command command;
  command.program = programs_.directory + "/postgres";
  command.arguments = {"-D", data()};
  command.directory = home_;
  command.output = start_log();
  command.account = account_;
  return command;
}

void PostgresCluster::remove_socket_directory() const {
  if (!socket_directory_.starts_with(home_ + "/")) ::rmdir(socket_directory_.c_str());
}

}  // namespace banyan::store
