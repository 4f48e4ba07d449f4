// The origin of the benchmark: answers from static memory, so that it disturbs what is measured as little as it can.
//
//   GET  /data/BYTES   200 with BYTES pattern bytes (1024, 65536 or 1048576)
//   POST /upload       reads the body, then 200 with two bytes
//
// Prints {"port": N} once it listens; ends at SIGTERM.
#include <charconv>
#include <cstdio>
#include <exception>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "tests/bench/http/arguments.hpp"
#include "tests/bench/http/pattern.hpp"
#include "tests/bench/http/server.hpp"

namespace banyan::load {
namespace {

// A whole response; the head is like that of a usual web server.
std::string render(std::string_view body) {
  std::string out =
      "HTTP/1.1 200 OK\r\n"
      "Server: origin\r\n"
      "Date: Sat, 01 Aug 2026 12:00:00 GMT\r\n"
      "Content-Type: application/octet-stream\r\n"
      "Content-Length: " +
      std::to_string(body.size()) +
      "\r\n"
      "Cache-Control: no-store\r\n"
      "\r\n";
  return out.append(body);
}

class Replies {
public:
  Replies() : accepted_(render("ok")) {
    for (const std::size_t size : {std::size_t{1024}, std::size_t{65536}, std::size_t{1048576}}) {
      std::string body;
      append_pattern(body, size, 0, size);
      data_["/data/" + std::to_string(size)] = render(body);
    }
  }

  std::string_view find(const MessageReader& request) const {
    if (request.method() == "POST") return accepted_;
    const auto found = data_.find(request.target());
    return found == data_.end() ? missing_ : std::string_view(found->second);
  }

private:
  std::map<std::string, std::string, std::less<>> data_;
  std::string accepted_;
  std::string missing_ = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
};

class StaticHandler final : public Handler {
public:
  explicit StaticHandler(const Replies& replies) : replies_(replies) {}

  void on_head(Connection&) override {}
  void on_body(Connection&, std::string_view) override {}
  void on_complete(Connection& connection) override { connection.send_static(replies_.find(connection.request())); }

private:
  const Replies& replies_;
};

int run(int count, char** values) {
  Arguments arguments(count, values);
  const auto port = static_cast<std::uint16_t>(arguments.number("port", 0));
  arguments.refuse_unknown();
  const Replies replies;
  Server server(listen_on(port), [&] { return std::make_unique<StaticHandler>(replies); });
  std::printf("{\"port\": %u}\n", static_cast<unsigned>(server.port()));
  std::fflush(stdout);
  server.run();
  return 0;
}

}  // namespace
}  // namespace banyan::load

int main(int count, char** values) {
  try {
    return banyan::load::run(count, values);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_origin: %s\n", error.what());
    return 2;
  }
}
