// AsyncLog: complete lines to a file or to standard output, written by a thread of its own.
//
// Producers collect lines and hand them over in batches. A batch that finds the queue full is dropped and its lines are
// counted: a slow disk costs lines, never a request. Every submitted line is counted exactly once, as written or as
// dropped, at the latest when the log is closed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/base/result.hpp"

namespace banyan {

class AsyncLog {
public:
  // `path`: a file, made if absent (mode 0640) and appended to; "-": standard output, of which a reader that goes away
  // raises SIGPIPE, which the process should ignore. `queue_batches`: batches that may wait, at least 1.
  // Fails with the system's reason if the file cannot be opened.
  static Result<std::unique_ptr<AsyncLog>> open(const std::string& path, std::size_t queue_batches = 1024);

  ~AsyncLog();  // close()
  AsyncLog(const AsyncLog&) = delete;
  AsyncLog& operator=(const AsyncLog&) = delete;

  // Hands over a batch: `line_count` lines, each with its line end. Any thread; does not wait for the disk.
  void write(std::string_view lines, std::uint64_t line_count) noexcept;

  // Opens the path anew, for log rotation: batches handed over before this go to the old file, those after it to
  // the new one. Returns at once. If the path cannot be opened the old file stays in use. Standard output: does
  // nothing.
  void reopen();

  // Writes what is queued and stops the thread; later batches are dropped. Twice is safe. Not at the same time as
  // write() or reopen(). Waits as long as the file does: a pipe that nobody reads holds it up.
  void close();

  // Any thread, at any time.
  std::uint64_t written_lines() const;
  std::uint64_t dropped_lines() const;  // queue full, or the write failed
  std::uint64_t write_errors() const;   // batches that could not be written whole; told in the application log at most
                                        // once a minute

private:
  struct Impl;
  explicit AsyncLog(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace banyan
