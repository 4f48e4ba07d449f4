// Sockets for the load programs and origins of the tests: non-blocking TCP on the loopback address, epoll, ownership.
// Faults of the machine (no descriptors, no ports) throw std::system_error; everything else is a return value.
#pragma once

#include <sys/epoll.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace banyan::load {

// Owns one descriptor.
class Fd {
public:
  Fd() = default;
  explicit Fd(int value) : value_(value) {}
  Fd(Fd&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Fd& operator=(Fd&& other) noexcept;
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  int get() const { return value_; }
  bool open() const { return value_ >= 0; }
  void reset() noexcept;

private:
  int value_ = -1;
};

// Listens on 127.0.0.1; port 0 takes a free one (local_port tells which).
Fd listen_on(std::uint16_t port);
std::uint16_t local_port(const Fd& socket);

// The next waiting connection, non-blocking and without Nagle's delay; not open if none waits.
Fd accept_from(const Fd& listener);

// Begins to connect to 127.0.0.1. The socket turns writable when the attempt has ended; connect_error tells how.
Fd start_connect(std::uint16_t port);
int connect_error(const Fd& socket);  // errno value, 0: connected

// Closes with RST, so that the peer sees an error and not an orderly end.
void close_with_reset(Fd& socket) noexcept;

// A descriptor that turns readable at SIGTERM or SIGINT, which no longer end the process.
Fd termination_signals();

class Poller {
public:
  Poller();
  void add(const Fd& fd, std::uint32_t events, std::uint64_t id);
  void change(const Fd& fd, std::uint32_t events, std::uint64_t id);
  // Waits up to `timeout_ms` (-1: for ever) and returns the filled part of `events`; empty after a signal too.
  std::span<epoll_event> wait(std::span<epoll_event> events, int timeout_ms);

private:
  Fd epoll_;
};

}  // namespace banyan::load
