// Load program of the soak: many sessions at once, good and broken, until a number of requests has been made.
//
//   soak_load --port N [--requests 60000] [--connections 64] [--broken-per-mille 10] [--seed 1]
//             [--client-defects-only | --defect NAME]
//
// Prints one line of JSON. Exit 1 if anything happened that must not: a reply to the wrong client, a wrong byte, a good
// request without its answer, a broken one that was taken for whole.
#include <array>
#include <chrono>
#include <cstdio>
#include <exception>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/bench/http/arguments.hpp"
#include "tests/soak/session.hpp"

namespace banyan::soak {
namespace {

constexpr std::chrono::milliseconds kTick{20};

// A run with so many faults has nothing more to tell.
constexpr std::uint64_t kEnoughFaults = 200;

void open_session(Session& session, load::Poller& poller, std::size_t id, Time now) {
  session.open(now);
  session.polled = session.interest();
  poller.add(session.socket(), session.polled, id);
}

void drive(Run& run, std::size_t connections) {
  load::Poller poller;
  std::vector<std::unique_ptr<Session>> sessions;
  for (std::size_t i = 0; i < connections; ++i) sessions.push_back(std::make_unique<Session>(run));
  std::array<epoll_event, 128> events{};
  Time next_tick;
  for (bool busy = true; busy && run.tally.fault_count() < kEnoughFaults;) {
    const Time now = std::chrono::steady_clock::now();
    if (now >= next_tick) {
      busy = false;
      for (std::size_t id = 0; id < sessions.size(); ++id) {
        Session& session = *sessions[id];
        if (!session.over()) session.on_time(now);
        if (session.over() && run.tally.more_wanted()) open_session(session, poller, id, now);
        busy = busy || !session.over();
      }
      next_tick = now + kTick;
    }
    for (const epoll_event& event : poller.wait(events, static_cast<int>(kTick.count()))) {
      Session& session = *sessions[event.data.u64];
      if (session.over()) continue;
      session.on_events(event.events, now);
      if (session.over()) {
        if (run.tally.more_wanted()) open_session(session, poller, event.data.u64, now);
      } else if (session.interest() != session.polled) {
        session.polled = session.interest();
        poller.change(session.socket(), session.polled, event.data.u64);
      }
    }
  }
}

std::string json(const std::map<std::string, std::uint64_t>& counts) {
  std::string out;
  for (const auto& [name, count] : counts) {
    out += (out.empty() ? "" : ", ") + ("\"" + name + "\": ") + std::to_string(count);
  }
  return "{" + out + "}";
}

int run(int count, char** values) {
  load::Arguments arguments(count, values);
  Run run{.defects = {}, .planner = Planner(arguments.number("seed", 1)), .tally = {}};
  run.port = static_cast<std::uint16_t>(arguments.number("port", 0));
  run.tally.wanted = arguments.number("requests", 60'000);
  run.broken_share = static_cast<double>(arguments.number("broken-per-mille", 10)) / 1000;
  run.defects = plantable(!arguments.given("client-defects-only"));
  if (arguments.given("defect")) run.defects = plantable(arguments.text("defect"));
  const std::size_t connections = arguments.number("connections", 64);
  arguments.refuse_unknown();
  if (run.port == 0) throw std::invalid_argument("--port is missing");
  if (run.defects.empty()) throw std::invalid_argument("no defect of this name");

  const Time begin = std::chrono::steady_clock::now();
  drive(run, connections);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const Tally& tally = run.tally;
  const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  std::printf(
      "{\"requests\": %llu, \"succeeded\": %llu, \"broken\": %llu, \"connections\": %llu, \"bytes_sent\": %llu, "
      "\"bytes_received\": %llu, \"seconds\": %.1f, \"outcomes\": %s, \"faults\": %s}\n",
      number(tally.started), number(tally.succeeded), number(tally.broken), number(tally.connections),
      number(tally.bytes_sent), number(tally.bytes_received), seconds, json(tally.outcomes).c_str(),
      json(tally.faults).c_str());
  return tally.faults.empty() ? 0 : 1;
}

}  // namespace
}  // namespace banyan::soak

int main(int count, char** values) {
  try {
    return banyan::soak::run(count, values);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "soak_load: %s\n", error.what());
    return 2;
  }
}
