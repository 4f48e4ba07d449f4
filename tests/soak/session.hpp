// One client connection of the soak and what it is owed. A session plans its requests, sends them (several at once if
// it pipelines), reads the replies and checks each of them completely. The one thing broken about it, if any, comes
// last.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "tests/bench/http/message_reader.hpp"
#include "tests/bench/http/socket.hpp"
#include "tests/soak/plan.hpp"

namespace banyan::soak {

using Time = std::chrono::steady_clock::time_point;

// What the whole run has counted.
struct Tally {
  std::uint64_t wanted = 0;  // requests of the run
  std::uint64_t started = 0;
  std::uint64_t succeeded = 0;  // good ones, checked to the last byte
  std::uint64_t broken = 0;     // those with a defect of their own
  std::uint64_t connections = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::map<std::string, std::uint64_t> outcomes;  // "defect: how it ended"
  std::map<std::string, std::uint64_t> faults;    // what must not happen

  void fault(const std::string& kind, const std::string& detail);
  std::uint64_t fault_count() const;
  bool more_wanted() const { return started < wanted; }
};

// What all sessions share.
struct Run {
  std::uint16_t port = 0;
  double broken_share = 0.01;
  std::span<const DefectRule> defects;
  Planner planner;
  Tally tally;
};

class Session {
public:
  explicit Session(Run& run) : run_(run) {}

  // Begins a new connection; the session must be over.
  void open(Time now);
  bool over() const { return !socket_.open(); }

  // The connection is ready for something.
  void on_events(std::uint32_t events, Time now);
  // Leaves if its patience has ended: by design, or because nobody answered, which is a fault.
  void on_time(Time now);

  const load::Fd& socket() const { return socket_; }
  std::uint32_t interest() const;

  // For the poller's book-keeping: what was last asked of it.
  std::uint32_t polled = 0;

private:
  void fill();
  void push(const Plan& plan);
  bool send_some();
  void after_sending();
  void receive();
  void read(std::string_view input);
  bool check_head();
  bool check_body(std::string_view bytes);
  void complete();
  void complete_broken(const Plan& plan, bool own_error);
  void closed(const std::string& how);
  void fault(const std::string& kind, const std::string& detail = "");
  void outcome(const std::string& how);
  void end();

  Run& run_;
  load::Fd socket_;
  load::MessageReader reader_{load::MessageReader::Kind::response};
  std::deque<Plan> pending_;  // sent or being sent, not yet answered
  std::string out_;
  std::size_t sent_ = 0;
  std::uint64_t received_ = 0;  // body bytes of the reply that is being read
  std::uint64_t planned_ = 0;   // requests that this session still wants to make
  std::uint64_t window_ = 1;
  bool last_planned_ = false;
  bool acted_ = false;
  bool head_seen_ = false;
  bool broken_due_ = false;
  bool damaged_ = false;  // the broken request has been sent, or is being sent
  Time patience_;
};

}  // namespace banyan::soak
