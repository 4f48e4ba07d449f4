#include "gateway/store/child_process.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <system_error>
#include <utility>

extern "C" {  // glibc 2.36 forgot to say so itself
#include <sys/pidfd.h>
}

namespace banyan::store {
namespace {

Result<Account> account_of(const passwd* entry, const std::string& who) {
  if (entry == nullptr) return fail(ErrorCode::not_found, "there is no account " + who);
  Account account{entry->pw_uid, entry->pw_gid, {}, entry->pw_name};
  int count = 64;
  account.groups.resize(static_cast<std::size_t>(count));
  if (::getgrouplist(entry->pw_name, entry->pw_gid, account.groups.data(), &count) < 0) {
    account.groups.resize(static_cast<std::size_t>(count));
    ::getgrouplist(entry->pw_name, entry->pw_gid, account.groups.data(), &count);
  }
  account.groups.resize(static_cast<std::size_t>(std::max(count, 0)));
  return account;
}

template <typename Lookup>
Result<Account> look_up(const Lookup& lookup, const std::string& who) {
  std::vector<char> room(16 * 1024);
  passwd entry{};
  passwd* found = nullptr;
  lookup(entry, room, &found);
  return account_of(found, who);
}

// What the child could not do, sent to the parent through a pipe.
struct Fault {
  int step = 0;
  int error = 0;
};
enum Step { step_output, step_groups, step_group, step_user, step_directory, step_execute };

// Only async-signal-safe calls from here to exec: other threads may hold any lock at the moment of fork.
[[noreturn]] void give_up(int pipe, int step) {
  const Fault fault{step, errno};
  [[maybe_unused]] const ssize_t n = ::write(pipe, &fault, sizeof fault);
  ::_exit(127);
}

struct Prepared {
  std::vector<char*> arguments;
  std::vector<char*> environment;
};

void reset_signals() {
  for (const int number : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGCHLD}) {
    ::signal(number, SIG_DFL);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void become(const Command& command, const Prepared& prepared, pid_t parent, int pipe) {
  ::setsid();
  reset_signals();
  ::umask(077);
  if (::geteuid() != command.account.uid) {
    if (::setgroups(command.account.groups.size(), command.account.groups.data()) != 0) give_up(pipe, step_groups);
    if (::setgid(command.account.gid) != 0) give_up(pipe, step_group);
    if (::setuid(command.account.uid) != 0) give_up(pipe, step_user);
  }
  if (::chdir(command.directory.c_str()) != 0) give_up(pipe, step_directory);
  const char* path = command.output.empty() ? "/dev/null" : command.output.c_str();
  const int output = command.output_pipe >= 0 ? command.output_pipe : ::open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
  const int input = ::open("/dev/null", O_RDONLY);
  if (output < 0 || input < 0) give_up(pipe, step_output);
  ::dup2(input, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  if (command.signal_on_parent_death != 0) {
    ::prctl(PR_SET_PDEATHSIG, command.signal_on_parent_death);
    if (::getppid() != parent) ::_exit(127);
  }
  // Sockets of this process must not live on in a program that outlives it. The pipe goes last, by close-on-exec.
  if (pipe > 3) ::close_range(3, static_cast<unsigned>(pipe) - 1, 0);
  ::close_range(static_cast<unsigned>(pipe) + 1, ~0U, 0);
  ::execve(command.program.c_str(), prepared.arguments.data(), prepared.environment.data());
  give_up(pipe, step_execute);
}

std::string describe(const Command& command, const Fault& fault) {
  const std::string reason = ": " + std::system_category().message(fault.error);
  switch (fault.step) {
    case step_output:
      return "cannot write " + command.output + " as " + command.account.name + reason;
    case step_groups:
    case step_group:
    case step_user:
      return "cannot become " + command.account.name + reason;
    case step_directory:
      return "cannot enter " + command.directory + " as " + command.account.name + reason;
    default:
      return "cannot start " + command.program + reason;
  }
}

}  // namespace

Result<Account> account_with_id(uid_t uid) {
  return look_up(
      [uid](auto& entry, auto& room, auto** found) { ::getpwuid_r(uid, &entry, room.data(), room.size(), found); },
      "for the user id " + std::to_string(uid));
}

Result<Account> own_account() {
  auto account = account_with_id(::geteuid());
  if (!account) return fail(ErrorCode::unsupported, account.error().public_message);
  return account;
}

Result<Account> account_named(const std::string& name) {
  return look_up([&name](auto& entry, auto& room,
                         auto** found) { ::getpwnam_r(name.c_str(), &entry, room.data(), room.size(), found); },
                 name);
}

Result<Process> Process::start(const Command& command) {
  std::vector<std::string> words{command.program};
  words.insert(words.end(), command.arguments.begin(), command.arguments.end());
  std::vector<std::string> variables{"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC"};
  Prepared prepared;
  for (std::string& word : words) prepared.arguments.push_back(word.data());
  for (std::string& variable : variables) prepared.environment.push_back(variable.data());
  prepared.arguments.push_back(nullptr);
  prepared.environment.push_back(nullptr);
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
    return fail(ErrorCode::internal, "cannot start " + command.program, std::system_category().message(errno));
  }
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) become(command, prepared, parent, pipe[1]);
  const int error = errno;
  ::close(pipe[1]);
  Fault fault;
  ssize_t n = 0;
  if (child > 0) {
    do n = ::read(pipe[0], &fault, sizeof fault);
    while (n < 0 && errno == EINTR);
  }
  ::close(pipe[0]);
  if (child < 0) return fail(ErrorCode::internal, describe(command, Fault{step_execute, error}));
  if (n == static_cast<ssize_t>(sizeof fault)) {
    ::waitpid(child, nullptr, 0);
    return fail(ErrorCode::internal, describe(command, fault));
  }
  return Process(child, ::pidfd_open(child, 0), true);
}

std::optional<Process> Process::find(pid_t id) {
  const int descriptor = id > 0 ? ::pidfd_open(id, 0) : -1;
  if (descriptor < 0) return std::nullopt;
  return Process(id, descriptor, false);
}

Process::Process(Process&& other) noexcept
    : id_(other.id_),
      descriptor_(std::exchange(other.descriptor_, -1)),
      is_child_(other.is_child_),
      ended_(other.ended_),
      status_(other.status_) {}

Process& Process::operator=(Process&& other) noexcept {
  std::swap(id_, other.id_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(is_child_, other.is_child_);
  std::swap(ended_, other.ended_);
  std::swap(status_, other.status_);
  return *this;
}

Process::~Process() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool Process::signal(int number) const {
  return !ended_ && ::pidfd_send_signal(descriptor_, number, nullptr, 0) == 0;
}

bool Process::wait(std::chrono::milliseconds limit) {
  if (ended_) return true;
  const auto until = std::chrono::steady_clock::now() + limit;
  pollfd watched{descriptor_, POLLIN, 0};
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
    const int ready = ::poll(&watched, 1, static_cast<int>(std::max<std::int64_t>(left, 0)));
    if (ready > 0) break;
    if (ready == 0 && left <= 0) return false;
  }
  ended_ = true;
  int status = 0;
  if (is_child_ && ::waitpid(id_, &status, 0) == id_) {
    status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  return true;
}

Result<void> run_program(const Command& command, std::chrono::milliseconds limit) {
  auto process = Process::start(command);
  if (!process) return tl::unexpected<Error>(std::move(process.error()));
  if (!process->wait(limit)) {
    process->signal(SIGKILL);
    process->wait(std::chrono::seconds(10));
    return fail(ErrorCode::deadline, command.program + " took longer than " + std::to_string(limit.count()) + " ms");
  }
  if (process->status() == 0) return {};
  const std::string said = command.output.empty() ? "" : ": " + end_of_file(command.output, 1000);
  return fail(ErrorCode::internal, command.program + " failed" + said);
}

Result<std::string> output_of(Command command) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
    return fail(ErrorCode::internal, "cannot start " + command.program, std::system_category().message(errno));
  }
  command.output_pipe = pipe[1];
  auto process = Process::start(command);
  ::close(pipe[1]);
  std::string text;
  std::array<char, 512> chunk{};
  while (process && text.size() < 64 * 1024) {
    const ssize_t n = ::read(pipe[0], chunk.data(), chunk.size());
    if (n <= 0) break;
    text.append(chunk.data(), static_cast<std::size_t>(n));
  }
  ::close(pipe[0]);
  if (!process) return tl::unexpected<Error>(std::move(process.error()));
  process->wait(std::chrono::seconds(10));
  if (process->status() != 0) return fail(ErrorCode::internal, command.program + " failed: " + text);
  return text;
}

std::string end_of_file(const std::string& path, std::size_t limit_bytes) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return "";
  const auto size = static_cast<std::size_t>(file.tellg());
  const std::size_t from = size > limit_bytes ? size - limit_bytes : 0;
  std::string text(size - from, '\0');
  file.seekg(static_cast<std::streamoff>(from));
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

}  // namespace banyan::store
