// The origin of the soak. Every reply carries the token of its request and a body that follows from it; every request
// body is checked in the same way. The field X-Behave tells it to misbehave (plan.hpp).
//
//   soak_origin [--port N] [--fault NAME]
//
// --fault makes it wrong in a way that no request asked for, about once in 300 requests, to prove that the soak's
// checks find it: swap-replies, corrupt-bodies, shorten-bodies, drop-requests; leak keeps memory and descriptors.
// Prints {"port": N} once it listens; at SIGTERM one line with what it saw.
#include <fcntl.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <exception>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "tests/bench/http/arguments.hpp"
#include "tests/bench/http/pattern.hpp"
#include "tests/bench/http/server.hpp"
#include "tests/soak/plan.hpp"

namespace banyan::soak {
namespace {

using load::Connection;

constexpr std::uint64_t kFaultEvery = 300;
constexpr std::size_t kLeakBytes = 4096;

struct Seen {
  std::uint64_t requests = 0;          // heads
  std::uint64_t wrong_requests = 0;    // complete, but not what their token says
  std::uint64_t repeated_posts = 0;    // a request that must not be sent twice was
  std::uint64_t aborted_requests = 0;  // broke off; the soak breaks some off itself
  std::uint64_t previous_token = 0;
  std::unordered_set<std::uint64_t> posts;
  std::string fault;
  std::vector<std::unique_ptr<std::string>> leaked;
  std::vector<load::Fd> leaked_descriptors;

  bool fault_due(std::string_view name) const { return fault == name && requests % kFaultEvery == 0; }
};

// What the target of a request asks for: /AREA/TOKEN/BYTES/FRAMING.
struct Wanted {
  std::uint64_t token = 0;
  std::uint64_t bytes = 0;
  char framing = 'l';
  bool valid = false;
};

Wanted parse_target(std::string_view target) {
  std::vector<std::string_view> parts;
  while (!target.empty()) {
    target.remove_prefix(1);
    const std::size_t end = std::min(target.find('/'), target.size());
    parts.push_back(target.substr(0, end));
    target.remove_prefix(end);
  }
  Wanted wanted;
  if (parts.size() != 4 || parts[3].size() != 1) return wanted;
  const auto token = std::from_chars(parts[1].data(), parts[1].data() + parts[1].size(), wanted.token, 16);
  const auto bytes = std::from_chars(parts[2].data(), parts[2].data() + parts[2].size(), wanted.bytes);
  wanted.framing = parts[3][0];
  wanted.valid = token.ec == std::errc{} && bytes.ec == std::errc{};
  return wanted;
}

std::string chunked(std::string_view body) {
  std::string out;
  std::size_t size = 1 + body.size() / 3;
  while (!body.empty()) {
    const std::string_view part = body.substr(0, size);
    char line[24];
    const int length = std::snprintf(line, sizeof line, "%zx\r\n", part.size());
    out.append(line, static_cast<std::size_t>(length)).append(part).append("\r\n");
    body.remove_prefix(part.size());
  }
  return out + "0\r\n\r\n";
}

class TokenHandler final : public load::Handler {
public:
  explicit TokenHandler(Seen& seen) : seen_(seen) {}

  void on_head(Connection& connection) override {
    ++seen_.requests;
    received_ = 0;
    body_right_ = true;
    wanted_ = parse_target(connection.request().target());
    behave_ = connection.request().field("x-behave");
    if (!wanted_.valid || connection.request().field("x-token") != hex(wanted_.token)) body_right_ = false;
    if (connection.request().method() == "POST" && !seen_.posts.insert(wanted_.token).second) ++seen_.repeated_posts;
    if (seen_.fault == "leak") seen_.leaked.push_back(std::make_unique<std::string>(kLeakBytes, 'x'));
    if (behave_ == name(Defect::origin_answers_early)) {
      connection.send(reply(connection, wanted_.token, wanted_.bytes, true));
      connection.close_when_sent();
    } else if (behave_ == name(Defect::origin_dies_in_body)) {
      connection.reset_when_sent();
    } else if (behave_ == name(Defect::origin_stalls)) {
      connection.ignore_input();
    }
  }

  void on_body(Connection&, std::string_view bytes) override {
    body_right_ = body_right_ && load::matches_pattern(bytes, wanted_.token, received_);
    received_ += bytes.size();
  }

  void on_complete(Connection& connection) override {
    if (connection.request().field("x-body-length") != std::to_string(received_)) body_right_ = false;
    if (!body_right_) {
      ++seen_.wrong_requests;
      connection.send("HTTP/1.1 500 Wrong Request\r\nContent-Length: 0\r\n\r\n");
    } else if (seen_.fault_due("drop-requests")) {
      connection.close_when_sent();
    } else if (!misbehave(connection)) {
      answer(connection);
    }
    seen_.previous_token = wanted_.token;
  }

  void on_abort() override {
    ++seen_.aborted_requests;
    if (seen_.fault == "leak") seen_.leaked_descriptors.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  }

private:
  static std::string_view name(Defect defect) { return rule_of(defect).name; }

  void answer(Connection& connection) {
    const std::uint64_t token = seen_.fault_due("swap-replies") ? seen_.previous_token : wanted_.token;
    const bool shorten = seen_.fault_due("shorten-bodies") && wanted_.bytes > 0;
    const bool closes = behave_ == "closes" || wanted_.framing == 'u';
    std::string bytes = reply(connection, token, wanted_.bytes - (shorten ? 1 : 0), closes);
    const bool corrupt = seen_.fault_due("corrupt-bodies") && wanted_.framing == 'l' && wanted_.bytes > 0;
    if (corrupt && connection.request().method() != "HEAD") bytes.back() = static_cast<char>(~bytes.back());
    connection.send(std::move(bytes));
    if (closes) connection.close_when_sent();
  }

  // True: the request asked for trouble and has got it.
  bool misbehave(Connection& connection) {
    if (behave_.empty() || behave_ == "closes") return false;
    std::string good = reply(connection, wanted_.token, wanted_.bytes, false);
    const std::size_t head_size = good.find("\r\n\r\n") + 4;
    if (behave_ == name(Defect::origin_cuts_head)) {
      connection.send(good.substr(0, head_size / 2));
    } else if (behave_ == name(Defect::origin_cuts_body)) {
      connection.send(good.substr(0, good.size() - 1 - (good.size() - head_size) / 2));
    } else if (behave_ == name(Defect::origin_stalls_in_body)) {
      connection.send(good.substr(0, good.size() - 1 - (good.size() - head_size) / 2));
      connection.ignore_input();
      return true;
    } else if (behave_ == name(Defect::origin_sends_both_framings)) {
      good.insert(good.find("\r\n") + 2,
                  wanted_.framing == 'l' ? "Transfer-Encoding: chunked\r\n" : "Content-Length: 5\r\n");
      connection.send(std::move(good));
    } else if (behave_ == name(Defect::origin_sends_bad_chunk)) {
      connection.send(good.substr(0, good.size() - 5) + "zz\r\n\r\n");
    } else if (behave_ == name(Defect::origin_sends_garbage)) {
      connection.send("\x01\x02 no HTTP at all\r\n\r\n");
    } else if (behave_ == name(Defect::origin_sends_excess)) {
      connection.send(good + "HTTP/1.1 200 OK\r\nX-Token: ffffffffffffffff\r\nContent-Length: 6\r\n\r\npoison");
      return true;
    } else if (behave_ == name(Defect::origin_floods_interim)) {
      for (int i = 0; i < 500; ++i) connection.send("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n");
      connection.send(std::move(good));
    }
    connection.close_when_sent();
    return true;
  }

  std::string reply(const Connection& connection, std::uint64_t token, std::uint64_t size, bool closes) const {
    std::string body;
    load::append_pattern(body, reply_pattern(token), 0, size);
    std::string out = "HTTP/1.1 200 OK\r\nX-Token: " + hex(token) + "\r\n";
    if (closes) out += "Connection: close\r\n";
    if (wanted_.framing == 'l') out += "Content-Length: " + std::to_string(size) + "\r\n";
    if (wanted_.framing == 'c') out += "Transfer-Encoding: chunked\r\n";
    out += "\r\n";
    if (connection.request().method() == "HEAD") return out;
    return wanted_.framing == 'c' ? out + chunked(body) : out + body;
  }

  Seen& seen_;
  Wanted wanted_;
  std::string behave_;
  std::uint64_t received_ = 0;
  bool body_right_ = true;
};

int run(int count, char** values) {
  load::Arguments arguments(count, values);
  const auto port = static_cast<std::uint16_t>(arguments.number("port", 0));
  Seen seen;
  seen.fault = arguments.text("fault");
  arguments.refuse_unknown();
  const std::set<std::string> faults{"", "swap-replies", "corrupt-bodies", "shorten-bodies", "drop-requests", "leak"};
  if (!faults.contains(seen.fault)) throw std::invalid_argument("unknown fault '" + seen.fault + "'");
  load::Server server(load::listen_on(port), [&] { return std::make_unique<TokenHandler>(seen); });
  std::printf("{\"port\": %u}\n", static_cast<unsigned>(server.port()));
  std::fflush(stdout);
  server.run();
  const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  std::printf(
      "{\"requests\": %llu, \"wrong_requests\": %llu, \"repeated_posts\": %llu, \"aborted_requests\": %llu, "
      "\"open_connections\": %llu}\n",
      number(seen.requests), number(seen.wrong_requests), number(seen.repeated_posts), number(seen.aborted_requests),
      number(server.open_connections()));
  return 0;
}

}  // namespace
}  // namespace banyan::soak

int main(int count, char** values) {
  try {
    return banyan::soak::run(count, values);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "soak_origin: %s\n", error.what());
    return 2;
  }
}
