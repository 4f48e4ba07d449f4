#include "gateway/net/socket.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cerrno>

namespace banyan::net {

void prepare(Socket& socket) {
  ErrorCode ignored;  // a socket that the peer has reset meanwhile fails at its first read
  socket.non_blocking(true, ignored);
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
}

void reset_on_close(Socket& socket) {
  ErrorCode ignored;  // as above
  socket.set_option(asio::socket_base::linger(true, 0), ignored);
}

bool peer_has_closed(Socket& socket) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(socket.native_handle(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return false;
  return info.tcpi_state != TCP_ESTABLISHED;
}

void SendQueue::begin(std::string_view head, std::span<const std::string_view> pieces) {
  first_ = 0;
  count_ = 0;
  const auto add = [this](std::string_view piece) {
    if (!piece.empty()) pieces_[count_++] = {const_cast<char*>(piece.data()), piece.size()};
  };
  add(head);
  for (const auto piece : pieces) add(piece);
}

bool SendQueue::progress(Socket& socket, ErrorCode& ec) {
  while (first_ < count_) {
    msghdr message{};
    message.msg_iov = pieces_.data() + first_;
    message.msg_iovlen = count_ - first_;
    const ssize_t sent = ::sendmsg(socket.native_handle(), &message, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) return false;
      ec = ErrorCode(errno, boost::system::system_category());
      return true;
    }
    auto left = static_cast<std::size_t>(sent);
    sent_bytes_ += left;
    while (first_ < count_ && left >= pieces_[first_].iov_len) left -= pieces_[first_++].iov_len;
    if (left > 0) {
      pieces_[first_].iov_base = static_cast<char*>(pieces_[first_].iov_base) + left;
      pieces_[first_].iov_len -= left;
    }
  }
  ec = {};
  return true;
}

void SendQueue::keep_head(std::string_view head) {
  // The head is the first piece that was added; if any of it is left, it is at first_.
  if (head.empty() || first_ != 0 || count_ == 0) return;
  auto& piece = pieces_[0];
  kept_head_.assign(static_cast<const char*>(piece.iov_base), piece.iov_len);
  piece.iov_base = kept_head_.data();
}

}  // namespace banyan::net
