// Load program of the benchmark: keeps a fixed number of keep-alive connections busy with one request each and prints
// one line of JSON.
//
//   bench_load --port N --path /data/1024 --expect-bytes 1024 [--request-bytes 16384] [--connections 64]
//              [--duration-ms 1000 | --requests N] [--pids 12,13] [--hold]
//
// Every connection first makes one request whose body is checked byte by byte. Then the measured part begins, with
// every connection idle; it ends when its time is over and every answer is in, so that the CPU time taken from --pids
// at both ends belongs to exactly the requests that were counted. --hold leaves the measured part out: it keeps the
// connections open and idle, and waits for the end of standard input. Exit 1 if any request failed.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <exception>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/cpu_clock.hpp"
#include "tests/bench/histogram.hpp"
#include "tests/bench/http/arguments.hpp"
#include "tests/bench/http/message_reader.hpp"
#include "tests/bench/http/pattern.hpp"
#include "tests/bench/http/socket.hpp"

namespace banyan::load {
namespace {

using Time = std::chrono::steady_clock::time_point;

// Connections that make their first request at the same time.
constexpr std::size_t kOpenAtOnce = 64;
// No answer for this long is an error, whatever is measured.
constexpr int kSilenceMs = 20'000;

struct Options {
  std::uint16_t port = 0;
  std::string path;
  std::uint64_t request_bytes = 0;  // 0: GET
  std::uint64_t expect_bytes = 0;
  std::uint64_t connections = 64;
  std::uint64_t duration_ms = 1000;
  std::uint64_t requests = 0;  // 0: duration_ms counts
  std::vector<std::uint64_t> pids;
  bool hold = false;
};

struct Client {
  Fd socket;
  MessageReader reader{MessageReader::Kind::response};
  std::string_view unsent;
  Time started;
  std::uint64_t received = 0;
  bool check_bytes = true;  // the first answer is compared completely
  bool busy = false;
  std::uint32_t polled = 0;
};

class Load {
public:
  explicit Load(Options options) : options_(std::move(options)), clients_(options_.connections), buffer_(256 * 1024) {
    request_ = (options_.request_bytes > 0 ? "POST " : "GET ") + options_.path +
               " HTTP/1.1\r\nHost: bench.test\r\nUser-Agent: bench\r\nAccept: */*\r\n";
    if (options_.request_bytes > 0) {
      request_ +=
          "Content-Type: application/octet-stream\r\nContent-Length: " + std::to_string(options_.request_bytes) +
          "\r\n";
    }
    request_ += "\r\n";
    append_pattern(request_, options_.request_bytes, 0, options_.request_bytes);
  }

  void open_all() {
    while (completed_ < clients_.size() && errors_ == 0) {
      while (opened_ < clients_.size() && opened_ - completed_ < kOpenAtOnce) {
        Client& client = clients_[opened_];
        client.socket = start_connect(options_.port);
        client.polled = EPOLLIN | EPOLLOUT;
        poller_.add(client.socket, client.polled, opened_++);
        begin_request(client);
      }
      turn();
    }
  }

  void measure() {
    completed_ = 0;
    latencies_ = Histogram{};
    const std::uint64_t cpu_before = cpu_nanoseconds(options_.pids);
    const Time begin = std::chrono::steady_clock::now();
    end_ = begin + std::chrono::milliseconds(options_.duration_ms);
    issued_ = 0;
    measuring_ = true;
    for (std::size_t id = 0; id < clients_.size() && more_wanted(begin); ++id) {
      begin_request(clients_[id]);
      if (!send_some(clients_[id], id)) end_client(clients_[id], "connection broke while sending");
    }
    while (busy_ > 0) turn();
    seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    cpu_ns_ = cpu_nanoseconds(options_.pids) - cpu_before;
  }

  void print() const {
    std::printf(
        "{\"requests\": %llu, \"errors\": %llu, \"first_error\": \"%s\", \"seconds\": %.6f, \"cpu_ns\": %llu, "
        "\"p50_us\": %.1f, \"p99_us\": %.1f}\n",
        static_cast<unsigned long long>(completed_), static_cast<unsigned long long>(errors_), first_error_.c_str(),
        seconds_, static_cast<unsigned long long>(cpu_ns_), static_cast<double>(latencies_.quantile(0.5)) / 1000,
        static_cast<double>(latencies_.quantile(0.99)) / 1000);
    std::fflush(stdout);
  }

  bool failed() const { return errors_ > 0; }

private:
  bool more_wanted(Time now) const { return options_.requests > 0 ? issued_ < options_.requests : now < end_; }

  void begin_request(Client& client) {
    client.reader.start();
    client.unsent = request_;
    client.received = 0;
    client.started = std::chrono::steady_clock::now();
    client.busy = true;
    ++issued_;
    ++busy_;
  }

  void turn() {
    std::array<epoll_event, 128> events{};
    const auto ready = poller_.wait(events, kSilenceMs);
    if (ready.empty()) {
      for (Client& client : clients_) {
        if (client.busy) end_client(client, "no answer within 20 s");
      }
    }
    for (const epoll_event& event : ready) {
      Client& client = clients_[event.data.u64];
      if (!client.socket.open()) continue;
      const bool sent = (event.events & EPOLLOUT) == 0U || send_some(client, event.data.u64);
      if (!sent) {
        end_client(client, "connection broke while sending");
      } else if ((event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0U) {
        receive(client, event.data.u64);
      }
    }
  }

  bool send_some(Client& client, std::uint64_t id) {
    while (!client.unsent.empty()) {
      const ssize_t count = ::send(client.socket.get(), client.unsent.data(), client.unsent.size(), MSG_NOSIGNAL);
      if (count < 0 && errno != EAGAIN && errno != ENOTCONN) return false;
      if (count < 0) break;
      client.unsent.remove_prefix(static_cast<std::size_t>(count));
    }
    const std::uint32_t wanted = EPOLLIN | (client.unsent.empty() ? 0U : std::uint32_t{EPOLLOUT});
    if (wanted != client.polled) poller_.change(client.socket, wanted, id);
    client.polled = wanted;
    return true;
  }

  void receive(Client& client, std::uint64_t id) {
    const ssize_t count = ::recv(client.socket.get(), buffer_.data(), buffer_.size(), 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) return end_client(client, count == 0 ? "connection closed by the server" : std::strerror(errno));
    if (!client.busy) return end_client(client, "bytes that answer no request");
    std::string_view input(buffer_.data(), static_cast<std::size_t>(count));
    for (;;) {
      const MessageReader::Step step = client.reader.next(input);
      input.remove_prefix(step.consumed);
      if (step.event == MessageReader::Event::need_more) return;
      if (step.event == MessageReader::Event::failed) return end_client(client, client.reader.error());
      if (step.event == MessageReader::Event::body && !take_body(client, step.body)) return;
      if (step.event == MessageReader::Event::complete) break;
    }
    if (!input.empty()) return end_client(client, "bytes after the answer");
    complete(client, id);
  }

  bool take_body(Client& client, std::string_view bytes) {
    const bool as_expected = !client.check_bytes || options_.request_bytes > 0 ||
                             matches_pattern(bytes, options_.expect_bytes, client.received);
    client.received += bytes.size();
    if (!as_expected) end_client(client, "wrong body");
    return as_expected;
  }

  void complete(Client& client, std::uint64_t id) {
    if (client.reader.status() != 200) {
      return end_client(client, "status " + std::to_string(client.reader.status()));
    }
    if (client.received != options_.expect_bytes) return end_client(client, "wrong body length");
    const Time now = std::chrono::steady_clock::now();
    latencies_.record(static_cast<std::uint64_t>(std::chrono::nanoseconds(now - client.started).count()));
    ++completed_;
    --busy_;
    client.busy = false;
    client.check_bytes = false;
    if (!measuring_ || !more_wanted(now)) return;
    begin_request(client);
    if (!send_some(client, id)) end_client(client, "connection broke while sending");
  }

  void end_client(Client& client, const std::string& why) {
    if (client.busy) --busy_;
    client.busy = false;
    client.socket.reset();
    if (errors_++ == 0) first_error_ = why;
  }

  Options options_;
  std::string request_;
  std::vector<Client> clients_;
  std::vector<char> buffer_;
  Poller poller_;
  Histogram latencies_;
  Time end_;
  std::uint64_t opened_ = 0;
  std::uint64_t issued_ = 0;
  std::uint64_t busy_ = 0;
  std::uint64_t completed_ = 0;
  std::uint64_t errors_ = 0;
  std::uint64_t cpu_ns_ = 0;
  double seconds_ = 0;
  bool measuring_ = false;
  std::string first_error_;
};

Options read_options(int count, char** values) {
  Arguments arguments(count, values);
  Options options;
  options.port = static_cast<std::uint16_t>(arguments.number("port", 0));
  options.path = arguments.text("path", "/");
  options.request_bytes = arguments.number("request-bytes", 0);
  options.expect_bytes = arguments.number("expect-bytes", 0);
  options.connections = arguments.number("connections", 64);
  options.duration_ms = arguments.number("duration-ms", 1000);
  options.requests = arguments.number("requests", 0);
  options.hold = arguments.given("hold");
  std::stringstream pids(arguments.text("pids"));
  for (std::string pid; std::getline(pids, pid, ',');) options.pids.push_back(std::stoull(pid));
  arguments.refuse_unknown();
  if (options.port == 0) throw std::invalid_argument("--port is missing");
  return options;
}

int run(int count, char** values) {
  const Options options = read_options(count, values);
  Load load(options);
  load.open_all();
  if (!options.hold && !load.failed()) load.measure();
  load.print();
  char byte = 0;
  while (options.hold && ::read(STDIN_FILENO, &byte, 1) > 0) continue;
  return load.failed() ? 1 : 0;
}

}  // namespace
}  // namespace banyan::load

int main(int count, char** values) {
  try {
    return banyan::load::run(count, values);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_load: %s\n", error.what());
    return 2;
  }
}
