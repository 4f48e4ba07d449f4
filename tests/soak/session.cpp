#include "tests/soak/session.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include "tests/bench/http/pattern.hpp"

namespace banyan::soak {
namespace {

using load::MessageReader;

// A good request that makes no progress for this long has failed.
constexpr std::chrono::seconds kSilence{60};
// How long a client waits for what becomes of its broken request, and for an origin that stalls.
constexpr std::chrono::seconds kBrokenPatience{3};
constexpr std::chrono::milliseconds kStallPatience{100};
constexpr std::uint64_t kPrintedFaults = 20;
constexpr std::uint64_t kLongestSession = 60;
constexpr std::uint64_t kLargestWindow = 8;

}  // namespace

void Tally::fault(const std::string& kind, const std::string& detail) {
  ++faults[kind];
  if (fault_count() <= kPrintedFaults) std::fprintf(stderr, "fault: %s: %s\n", kind.c_str(), detail.c_str());
}

std::uint64_t Tally::fault_count() const {
  std::uint64_t sum = 0;
  for (const auto& [kind, count] : faults) sum += count;
  return sum;
}

void Session::open(Time now) {
  socket_ = load::start_connect(run_.port);
  ++run_.tally.connections;
  pending_.clear();
  out_.clear();
  sent_ = 0;
  reader_.start();
  last_planned_ = acted_ = head_seen_ = broken_due_ = damaged_ = false;
  received_ = 0;
  window_ = run_.planner.chance(0.7) ? 1 : run_.planner.between(2, kLargestWindow);
  planned_ = run_.planner.between(1, kLongestSession);
  patience_ = now + kSilence;
  polled = 0;
  fill();
}

std::uint32_t Session::interest() const {
  return EPOLLIN | (sent_ < out_.size() ? std::uint32_t{EPOLLOUT} : 0U);
}

// Plans and renders as many requests as may be under way.
void Session::fill() {
  if (damaged_ && pending_.empty() && !last_planned_) {
    Plan plan = run_.planner.good(false);
    plan.defect = Defect::follows_a_defect;
    last_planned_ = true;
    return push(plan);
  }
  while (!last_planned_ && !damaged_ && pending_.size() < window_) {
    if (planned_ == 0 || !run_.tally.more_wanted()) {
      last_planned_ = true;
      return;
    }
    const bool broken = broken_due_ || run_.planner.chance(run_.broken_share);
    // What is broken must not take good requests of its own connection with it.
    broken_due_ = broken && !pending_.empty();
    if (broken_due_) return;
    Plan plan = broken ? run_.planner.broken(run_.defects) : run_.planner.good(window_ == 1);
    --planned_;
    if (broken) {
      damaged_ = true;
      ++run_.tally.broken;
    } else if (planned_ == 0 && run_.planner.chance(0.5)) {
      plan.close = true;
    }
    push(plan);
  }
}

void Session::push(const Plan& plan) {
  ++run_.tally.started;
  if (pending_.empty()) reader_.start(plan.method == Method::head);
  pending_.push_back(plan);
  if (sent_ == out_.size()) {
    out_.clear();
    sent_ = 0;
  }
  out_ += render(plan, run_.planner);
}

void Session::on_events(std::uint32_t events, Time now) {
  const bool acts_in_time = pending_.empty() || rule_of(pending_.front().defect).act != Act::leave_when_bored;
  if (acts_in_time) patience_ = now + (damaged_ ? kBrokenPatience : kSilence);
  if ((events & EPOLLOUT) != 0U && !send_some()) return;
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0U) receive();
  if (over()) return;
  fill();
  if (pending_.empty()) end();
}

void Session::on_time(Time now) {
  if (now < patience_) return;
  if (damaged_) {
    outcome("client left");
  } else {
    fault("silence", "no progress within 60 s");
  }
  end();
}

bool Session::send_some() {
  while (sent_ < out_.size()) {
    const ssize_t count = ::send(socket_.get(), out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
    if (count < 0 && errno == EAGAIN) return true;
    if (count < 0) {
      // A proxy that refuses a request may close before it has read all of it; its answer may still be there.
      if (damaged_) return sent_ = out_.size(), true;
      closed(std::strerror(errno));
      return false;
    }
    sent_ += static_cast<std::size_t>(count);
    run_.tally.bytes_sent += static_cast<std::uint64_t>(count);
  }
  after_sending();
  return !over();
}

// All bytes are out: now the client does what its plan says.
void Session::after_sending() {
  if (!damaged_ || acted_ || pending_.empty()) return;
  acted_ = true;
  switch (rule_of(pending_.front().defect).act) {
    case Act::half_close:
      ::shutdown(socket_.get(), SHUT_WR);
      break;
    case Act::leave:
      outcome("client left");
      end();
      break;
    case Act::leave_with_reset:
      outcome("client left");
      load::close_with_reset(socket_);
      break;
    case Act::leave_when_bored:
      patience_ = std::chrono::steady_clock::now() + kStallPatience;
      break;
    case Act::read:
    case Act::leave_in_answer:
      break;
  }
}

void Session::receive() {
  static thread_local std::vector<char> buffer(256 * 1024);
  const ssize_t count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (count < 0 && errno == EAGAIN) return;
  if (count <= 0) return closed(count == 0 ? "closed" : std::strerror(errno));
  run_.tally.bytes_received += static_cast<std::uint64_t>(count);
  read(std::string_view(buffer.data(), static_cast<std::size_t>(count)));
}

void Session::read(std::string_view input) {
  using Event = MessageReader::Event;
  while (!over()) {
    if (pending_.empty()) {
      if (!input.empty()) {
        fault("unasked", "bytes that answer no request: " + std::string(input.substr(0, 60)));
        end();
      }
      return;
    }
    const MessageReader::Step step = reader_.next(input);
    input.remove_prefix(step.consumed);
    switch (step.event) {
      case Event::need_more:
        return;
      case Event::head:
        if (!check_head()) return end();
        break;
      case Event::body:
        if (!check_body(step.body)) return end();
        break;
      case Event::complete:
        complete();
        break;
      case Event::failed:
        // Also what is broken upstream must leave the proxy as well-formed HTTP, or not at all.
        fault("malformed", reader_.error());
        return end();
    }
  }
}

bool Session::check_head() {
  const Plan& plan = pending_.front();
  const std::string_view token = reader_.field("x-token");
  head_seen_ = true;
  received_ = 0;
  if (!token.empty() && token != hex(plan.token)) {
    fault("wrong client", "got token " + std::string(token));
    return false;
  }
  const bool own_error = token.empty() && reader_.status() >= 400;
  if (reader_.status() == 200 && token.empty()) fault("no token");
  if (plan.defect == Defect::none && reader_.status() != 200) {
    fault("refused", "status " + std::to_string(reader_.status()));
    return false;
  }
  return reader_.status() == 200 ? !token.empty() : own_error;
}

bool Session::check_body(std::string_view bytes) {
  const Plan& plan = pending_.front();
  if (reader_.status() != 200) return true;
  const bool right = received_ + bytes.size() <= plan.reply_bytes &&
                     load::matches_pattern(bytes, reply_pattern(plan.token), received_);
  if (!right)
    fault("corrupt body", "within " + std::to_string(bytes.size()) + " bytes from " + std::to_string(received_));
  received_ += bytes.size();
  if (right && rule_of(plan.defect).act == Act::leave_in_answer) {
    outcome("client left");
    return false;
  }
  return right;
}

void Session::complete() {
  const Plan plan = pending_.front();
  const bool own_error = reader_.status() != 200;
  const bool keeps = reader_.keep_alive();
  if (!own_error && plan.method != Method::head && received_ != plan.reply_bytes) {
    fault("wrong length", std::to_string(received_) + " of " + std::to_string(plan.reply_bytes));
  }
  if (plan.defect == Defect::none) {
    ++run_.tally.succeeded;
  } else {
    complete_broken(plan, own_error);
  }
  pending_.pop_front();
  head_seen_ = false;
  if (!keeps || (own_error && damaged_)) {
    if (!pending_.empty()) fault("closed unasked", "with requests unanswered");
    return end();
  }
  if (!pending_.empty()) reader_.start(pending_.front().method == Method::head);
}

void Session::complete_broken(const Plan& plan, bool own_error) {
  const Fate fate = rule_of(plan.defect).fate;
  if (own_error) return outcome("status " + std::to_string(reader_.status()));
  outcome("whole answer");
  if (fate == Fate::refused) fault("accepted", "an answer to a request that has none");
  if (fate == Fate::cut) fault("cut passed as whole");
}

void Session::closed(const std::string& how) {
  if (!pending_.empty() && head_seen_ && reader_.completed_by_close()) {
    complete();
  } else if (!pending_.empty() && !damaged_) {
    fault("lost", how + (head_seen_ ? " within a reply" : " instead of a reply"));
  } else if (!pending_.empty()) {
    outcome(head_seen_ ? "cut" : "closed");
  }
  end();
}

void Session::fault(const std::string& kind, const std::string& detail) {
  std::string where = detail;
  if (!pending_.empty()) {
    const Plan& plan = pending_.front();
    const DefectRule& rule = rule_of(plan.defect);
    where += " [token " + hex(plan.token) + ", " + (rule.name.empty() ? "good" : std::string(rule.name)) + ", area " +
             std::string(plan.area) + ", method " + std::to_string(static_cast<int>(plan.method)) + ", request " +
             std::to_string(plan.request_bytes) + (plan.chunked ? " chunked" : "") + ", reply " +
             std::to_string(plan.reply_bytes) + " framing " + std::to_string(static_cast<int>(plan.framing)) +
             ", window " + std::to_string(window_) + "]";
  }
  run_.tally.fault(kind, where);
}

void Session::outcome(const std::string& how) {
  if (!pending_.empty()) ++run_.tally.outcomes[std::string(rule_of(pending_.front().defect).name) + ": " + how];
}

void Session::end() {
  socket_.reset();
}

}  // namespace banyan::soak
