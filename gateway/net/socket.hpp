// Socket types of the io threads, and SendQueue: gather writes that complete at once when the kernel has room.
#pragma once

#include <utility>

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <span>
#include <string>
#include <string_view>

#include "gateway/net/handler_memory.hpp"

namespace banyan::net {

namespace asio = boost::asio;
using Executor = asio::io_context::executor_type;
using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;
using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;
using ErrorCode = boost::system::error_code;

// Base of objects that live as long as an operation of theirs is under way. Not thread-safe: one io thread.
template <typename T>
using Counted = boost::intrusive_ref_counter<T, boost::thread_unsafe_counter>;

// Readies a connected socket: no Nagle delay, never blocks.
void prepare(Socket& socket);

// Makes the coming close() send RST, so that the peer sees a truncated message for what it is.
void reset_on_close(Socket& socket);

// Whether the peer has sent its last byte, or is gone, though bytes before that may not have been read yet. For a
// socket of which nothing is being read; reading tells by itself.
bool peer_has_closed(Socket& socket);

// The pieces of one message part, sent in order. Nearly always the kernel takes all of it at once; the rest waits for
// the socket to become writable. One send() at a time.
class SendQueue {
public:
  static constexpr std::size_t kMaxPieces = 24;

  // Sends `head`, then the pieces (at most kMaxPieces). True: finished, `ec` says how. False: on_done(ec) will be
  // called. `head` is copied if it has to wait; the pieces must stay until the end.
  template <typename OnDone>
  bool send(Socket& socket, std::string_view head, std::span<const std::string_view> pieces, ErrorCode& ec,
            OnDone on_done) {
    begin(head, pieces);
    if (progress(socket, ec)) return true;
    keep_head(head);
    wait(socket, std::move(on_done));
    return false;
  }

  bool pending() const { return pending_; }
  // All bytes that the kernel has taken so far.
  std::uint64_t sent_bytes() const { return sent_bytes_; }

private:
  void begin(std::string_view head, std::span<const std::string_view> pieces);
  // True: all sent or failed.
  bool progress(Socket& socket, ErrorCode& ec);
  void keep_head(std::string_view head);

  template <typename OnDone>
  void wait(Socket& socket, OnDone on_done) {
    pending_ = true;
    socket.async_wait(Socket::wait_write,
                      placed(memory_, [this, &socket, on_done = std::move(on_done)](ErrorCode ec) mutable {
                        if (!ec && !progress(socket, ec)) return wait(socket, std::move(on_done));
                        pending_ = false;
                        on_done(ec);
                      }));
  }

  std::array<iovec, kMaxPieces + 1> pieces_;
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  std::string kept_head_;
  bool pending_ = false;
  std::uint64_t sent_bytes_ = 0;
  HandlerMemory memory_;
};

}  // namespace banyan::net
