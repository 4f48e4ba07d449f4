#include "gateway/base/text_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace banyan {
namespace {

ErrorCode code_of(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return ErrorCode::not_found;
    case EACCES:
    case EPERM:
      return ErrorCode::permission_denied;
    case EISDIR:
      return ErrorCode::invalid_argument;
    default:
      return ErrorCode::internal;
  }
}

tl::unexpected<Error> cannot_read(const std::string& path, int error) {
  return fail(code_of(error), "cannot read " + path + ": " + std::system_category().message(error));
}

}  // namespace

Result<std::string> read_text_file(const std::string& path, std::size_t limit_bytes) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return cannot_read(path, errno);
  std::string text;
  std::array<char, 16 * 1024> chunk{};
  for (;;) {
    const ssize_t n = ::read(file, chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int error = errno;
      ::close(file);
      return cannot_read(path, error);
    }
    if (n == 0) break;
    text.append(chunk.data(), static_cast<std::size_t>(n));
    if (text.size() > limit_bytes) {
      ::close(file);
      return fail(ErrorCode::too_large, path + " is larger than " + std::to_string(limit_bytes) + " bytes");
    }
  }
  ::close(file);
  return text;
}

}  // namespace banyan
