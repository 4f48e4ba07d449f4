// FileLock: an exclusive lock on a file. It ends with this process, however that ends.
#pragma once

#include <string>
#include <utility>

#include "gateway/base/result.hpp"

namespace banyan::store {

class FileLock {
public:
  // Makes the file if it is not there, and notes the process id in it. Does not wait. Errors: conflict (somebody holds
  // it; the message names the process), permission_denied.
  static Result<FileLock> take(const std::string& path);

  FileLock(FileLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  FileLock& operator=(FileLock&& other) noexcept {
    std::swap(file_, other.file_);
    return *this;
  }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock();

private:
  explicit FileLock(int file) : file_(file) {}
  int file_;
};

}  // namespace banyan::store
