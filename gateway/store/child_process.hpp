// Programs of the operating system: started under another account, watched through a pidfd, ended by id.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "gateway/base/result.hpp"

namespace banyan::store {

// Whom a program runs as.
struct Account {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
  std::string name;
};

// The account of this process. Error: unsupported if it has no name, which PostgreSQL's programs insist on.
Result<Account> own_account();
// Error: not_found.
Result<Account> account_with_id(uid_t uid);
Result<Account> account_named(const std::string& name);

struct Command {
  std::string program;                 // an absolute path
  std::vector<std::string> arguments;  // without the program's own name
  std::string directory = "/";         // where it runs; entered as `account`
  std::string output;                  // its standard output and error are appended to this file; empty: /dev/null
  int output_pipe = -1;                // instead of `output`: an open descriptor
  Account account;                     // differs from that of this process only if that is root
  int signal_on_parent_death = 0;      // sent when the thread that started it ends; 0: it lives on
};

// An open pidfd (Linux 5.3): refers to one process and never to another that got the same id later.
class Process {
public:
  // Starts a program in a session of its own, with none of this process's files, signals or locale. Error: internal,
  // with the step that failed ("enter /x as postgres: Permission denied").
  static Result<Process> start(const Command& command);
  // A running process that somebody else started; nothing if there is none with that id.
  static std::optional<Process> find(pid_t id);

  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();  // lets it run

  pid_t id() const { return id_; }
  int descriptor() const { return descriptor_; }  // readable when it has ended
  bool signal(int number) const;                  // false: it has ended
  // Whether it ended within `limit`; takes its exit status if it is a child.
  bool wait(std::chrono::milliseconds limit);
  // After it ended: the exit status of a child, 128 + the number of the signal that ended it; -1 of others.
  int status() const { return status_; }

private:
  Process(pid_t id, int descriptor, bool is_child) : id_(id), descriptor_(descriptor), is_child_(is_child) {}

  pid_t id_;
  int descriptor_;
  bool is_child_;
  bool ended_ = false;
  int status_ = -1;
};

// Runs a program to its end. Error: internal if it fails or takes longer than `limit` (it is then killed); the message
// has the end of what it wrote to `command.output`.
Result<void> run_program(const Command& command, std::chrono::milliseconds limit);

// What a quick program writes, at most 64 KiB. Error: internal if it fails.
Result<std::string> output_of(Command command);

// The last `limit_bytes` of a file, or nothing.
std::string end_of_file(const std::string& path, std::size_t limit_bytes);

}  // namespace banyan::store
