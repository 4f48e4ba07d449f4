#include "gateway/base/async_log.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/sink.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <exception>
#include <limits>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "gateway/base/log.hpp"

namespace banyan {
namespace {

constexpr std::chrono::minutes kReportInterval{1};

class FileDescriptor {
public:
  FileDescriptor(int fd, bool owned) : fd_(fd), owned_(owned) {}
  ~FileDescriptor() { reset(-1); }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  void reset(int fd) {
    if (owned_ && fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }
  int get() const { return fd_; }

private:
  int fd_;
  bool owned_;
};

int open_for_append(const std::string& path) {
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);
}

std::string system_message(int error) {
  return std::system_category().message(error);
}

std::uint64_t count_lines(std::string_view text) {
  return static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

struct Tally {
  std::atomic<std::uint64_t> written{0};
  std::atomic<std::uint64_t> dropped{0};
  std::atomic<std::uint64_t> errors{0};
  std::atomic<std::size_t> queued{0};  // batches accepted and not yet dealt with
  std::atomic<bool> reopen_wanted{false};
};

// Used by the one thread of the pool only.
class BatchSink final : public spdlog::sinks::sink {
public:
  BatchSink(std::string path, int fd, Tally& tally)
      : path_(std::move(path)), is_file_(path_ != "-"), file_(fd, is_file_), tally_(tally) {}

  void log(const spdlog::details::log_msg& message) override {
    write_batch({message.payload.data(), message.payload.size()}, static_cast<std::uint64_t>(message.source.line));
    tally_.queued.fetch_sub(1, std::memory_order_release);
  }
  void flush() override { reopen_if_wanted(); }
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

private:
  void reopen_if_wanted() {
    if (!tally_.reopen_wanted.exchange(false) || !is_file_) return;
    const int fd = open_for_append(path_);
    if (fd < 0) {
      log::error("cannot reopen log file, going on with the old one",
                 {{"path", path_}, {"reason", system_message(errno)}});
      return;
    }
    file_.reset(fd);
    torn_line_ = false;
  }

  void write_batch(std::string_view batch, std::uint64_t line_count) {
    // The rest of a line that a full disk cut off is gone; the next line must not be glued to it.
    if (torn_line_ && write_all("\n") == 1) torn_line_ = false;
    const std::size_t done = torn_line_ ? 0 : write_all(batch);
    if (done == batch.size()) {
      tally_.written.fetch_add(line_count, std::memory_order_relaxed);
      return;
    }
    if (done > 0) torn_line_ = batch[done - 1] != '\n';
    const std::uint64_t lines = std::min(count_lines(batch.substr(0, done)), line_count);
    tally_.written.fetch_add(lines, std::memory_order_relaxed);
    tally_.dropped.fetch_add(line_count - lines, std::memory_order_relaxed);
    tally_.errors.fetch_add(1, std::memory_order_relaxed);
    report();
  }

  // Returns how much was written: less than all only after an error, which is then in last_error_.
  std::size_t write_all(std::string_view text) {
    std::size_t written = 0;
    while (written < text.size()) {
      const ssize_t n = ::write(file_.get(), text.data() + written, text.size() - written);
      if (n >= 0) {
        written += static_cast<std::size_t>(n);
      } else if (errno == EAGAIN) {
        // Standard output may be a pipe that whoever started us made non-blocking.
        pollfd writable{file_.get(), POLLOUT, 0};
        ::poll(&writable, 1, -1);
      } else if (errno != EINTR) {
        last_error_ = errno;
        break;
      }
    }
    return written;
  }

  void report() {
    const auto now = std::chrono::steady_clock::now();
    if (last_report_ && now - *last_report_ < kReportInterval) return;
    last_report_ = now;
    log::error("cannot write log", {{"path", path_},
                                    {"reason", system_message(last_error_)},
                                    {"dropped_lines", tally_.dropped.load(std::memory_order_relaxed)}});
  }

  const std::string path_;
  const bool is_file_;
  FileDescriptor file_;
  Tally& tally_;
  bool torn_line_ = false;
  int last_error_ = 0;
  std::optional<std::chrono::steady_clock::time_point> last_report_;
};

}  // namespace

// spdlog's full queue either blocks the producer or forgets the oldest message without saying which. So the bound is
// kept here, by counting what is queued, and spdlog's own queue has room for all of it and for the control messages.
struct AsyncLog::Impl {
  static constexpr std::size_t kControlMessages = 4;

  Impl(const std::string& path, int fd, std::size_t queue_batches)
      : limit(std::max<std::size_t>(queue_batches, 1)),
        pool(std::make_shared<spdlog::details::thread_pool>(limit + kControlMessages, 1)),
        logger(std::make_shared<spdlog::async_logger>("access", std::make_shared<BatchSink>(path, fd, tally), pool,
                                                      spdlog::async_overflow_policy::block)) {}

  bool reserve() {
    if (tally.queued.fetch_add(1, std::memory_order_acquire) < limit) return true;
    tally.queued.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }

  Tally tally;
  std::size_t limit;
  // The logger refers to it weakly: giving it up here works off the queue and joins the thread.
  std::shared_ptr<spdlog::details::thread_pool> pool;
  std::shared_ptr<spdlog::async_logger> logger;
};

Result<std::unique_ptr<AsyncLog>> AsyncLog::open(const std::string& path, std::size_t queue_batches) {
  int fd = STDOUT_FILENO;
  if (path != "-") {
    fd = open_for_append(path);
    if (fd < 0) {
      return fail(ErrorCode::unavailable, "cannot open log file '" + path + "': " + system_message(errno));
    }
  }
  return std::unique_ptr<AsyncLog>(new AsyncLog(std::make_unique<Impl>(path, fd, queue_batches)));
}

AsyncLog::AsyncLog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

AsyncLog::~AsyncLog() {
  close();
}

void AsyncLog::close() {
  impl_->pool.reset();
}

void AsyncLog::write(std::string_view lines, std::uint64_t line_count) noexcept {
  Tally& tally = impl_->tally;
  if (line_count > static_cast<std::uint64_t>(std::numeric_limits<int>::max()) || !impl_->reserve()) {
    tally.dropped.fetch_add(line_count, std::memory_order_relaxed);
    return;
  }
  try {
    // The number of lines travels in the place of a source line, the one number that a message of spdlog carries.
    const spdlog::source_loc count{"", static_cast<int>(line_count), ""};
    impl_->logger->log(count, spdlog::level::info, spdlog::string_view_t(lines.data(), lines.size()));
  } catch (const std::exception&) {
    // Closed, or out of memory: nothing was queued, and saying so is what the count is for.
    tally.queued.fetch_sub(1, std::memory_order_relaxed);
    tally.dropped.fetch_add(line_count, std::memory_order_relaxed);
  }
}

void AsyncLog::reopen() {
  // One wake-up at a time is queued, so that the queue's spare room suffices and this never waits.
  if (impl_->pool && !impl_->tally.reopen_wanted.exchange(true)) impl_->logger->flush();
}

std::uint64_t AsyncLog::written_lines() const {
  return impl_->tally.written.load(std::memory_order_relaxed);
}
std::uint64_t AsyncLog::dropped_lines() const {
  return impl_->tally.dropped.load(std::memory_order_relaxed);
}
std::uint64_t AsyncLog::write_errors() const {
  return impl_->tally.errors.load(std::memory_order_relaxed);
}

}  // namespace banyan
