#include "gateway/store/file_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "gateway/base/log.hpp"
#include "gateway/base/text_file.hpp"

namespace banyan::store {

Result<FileLock> FileLock::take(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0) {
    return fail(ErrorCode::permission_denied, "cannot write " + path + ": " + std::system_category().message(errno));
  }
  FileLock lock(file);
  if (::flock(file, LOCK_EX | LOCK_NB) != 0) {
    const auto owner = read_text_file(path, 64);
    return fail(ErrorCode::conflict, "another Banyan" + (owner ? " (process " + *owner + ")" : "") + " uses " +
                                         std::filesystem::path(path).parent_path().string() +
                                         ": stop it, or give this one a data_dir of its own");
  }
  const std::string self = std::to_string(::getpid());
  if (::ftruncate(file, 0) != 0 || ::write(file, self.data(), self.size()) < 0) {
    log::warn("cannot note the process id", {{"path", path}});
  }
  return lock;
}

FileLock::~FileLock() {
  if (file_ >= 0) ::close(file_);
}

}  // namespace banyan::store
