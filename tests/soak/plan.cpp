#include "tests/soak/plan.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "tests/bench/http/pattern.hpp"

namespace banyan::soak {
namespace {

constexpr std::uint64_t kLargestBody = 256 * 1024;

constexpr std::array<DefectRule, 25> kRules{{
    {Defect::leaves_in_head, "leaves-in-head", Fate::client_leaves, Act::leave, false},
    {Defect::leaves_in_body, "leaves-in-body", Fate::client_leaves, Act::leave, false},
    {Defect::resets_in_body, "resets-in-body", Fate::client_leaves, Act::leave_with_reset, false},
    {Defect::leaves_before_answer, "leaves-before-answer", Fate::client_leaves, Act::leave, false},
    {Defect::leaves_in_answer, "leaves-in-answer", Fate::client_leaves, Act::leave_in_answer, false},
    {Defect::half_closes, "half-closes", Fate::any_but_wrong, Act::half_close, false},
    {Defect::half_closes_in_body, "half-closes-in-body", Fate::refused, Act::half_close, false},
    {Defect::sends_garbage, "sends-garbage", Fate::refused, Act::read, false},
    {Defect::sends_bad_chunk, "sends-bad-chunk", Fate::refused, Act::read, false},
    {Defect::sends_large_header, "sends-large-header", Fate::refused, Act::read, false},
    {Defect::sends_both_framings, "sends-both-framings", Fate::refused, Act::read, false},
    {Defect::sends_bad_length, "sends-bad-length", Fate::refused, Act::read, false},
    {Defect::origin_dies, "origin-dies", Fate::refused, Act::read, true},
    {Defect::origin_dies_in_body, "origin-dies-in-body", Fate::cut, Act::read, true},
    {Defect::origin_cuts_head, "origin-cuts-head", Fate::refused, Act::read, true},
    {Defect::origin_cuts_body, "origin-cuts-body", Fate::cut, Act::read, true},
    {Defect::origin_stalls, "origin-stalls", Fate::client_leaves, Act::leave_when_bored, true},
    {Defect::origin_stalls_in_body, "origin-stalls-in-body", Fate::client_leaves, Act::leave_when_bored, true},
    {Defect::origin_answers_early, "origin-answers-early", Fate::any_but_wrong, Act::read, true},
    {Defect::origin_sends_both_framings, "origin-both-framings", Fate::cut, Act::read, true},
    {Defect::origin_sends_bad_chunk, "origin-bad-chunk", Fate::cut, Act::read, true},
    {Defect::origin_sends_garbage, "origin-garbage", Fate::refused, Act::read, true},
    {Defect::origin_sends_excess, "origin-excess", Fate::any_but_wrong, Act::read, true},
    {Defect::origin_floods_interim, "origin-interim-flood", Fate::any_but_wrong, Act::read, true},
    {Defect::follows_a_defect, "follows-a-defect", Fate::any_but_wrong, Act::read, false},
}};
constexpr std::size_t kOfClient = 12;
constexpr DefectRule kGood{};

std::string_view name_of(Method method) {
  switch (method) {
    case Method::get:
      return "GET";
    case Method::head:
      return "HEAD";
    case Method::post:
      return "POST";
  }
  return {};
}

char letter_of(ReplyFraming framing) {
  return "lcu"[static_cast<std::size_t>(framing)];
}

std::string framing_fields(const Plan& plan) {
  const std::string length = "Content-Length: " + std::to_string(plan.request_bytes) + "\r\n";
  if (plan.defect == Defect::sends_both_framings) return length + "Transfer-Encoding: chunked\r\n";
  if (plan.defect == Defect::sends_bad_length) return "Content-Length: +" + std::to_string(plan.request_bytes) + "\r\n";
  if (plan.method != Method::post) return "";
  return plan.chunked ? "Transfer-Encoding: chunked\r\n" : length;
}

void append_chunked(std::string& out, const Plan& plan, Planner& planner) {
  std::uint64_t offset = 0;
  while (offset < plan.request_bytes) {
    const std::uint64_t size = std::min(planner.between(1, 40'000), plan.request_bytes - offset);
    std::array<char, 24> line{};
    const int length = std::snprintf(line.data(), line.size(), "%llx\r\n", static_cast<unsigned long long>(size));
    out.append(line.data(), static_cast<std::size_t>(length));
    load::append_pattern(out, plan.token, offset, size);
    out += "\r\n";
    offset += size;
  }
  out += plan.defect == Defect::sends_bad_chunk ? "zz\r\n\r\n" : "0\r\n\r\n";
}

std::string garbage(Planner& planner) {
  std::string out;
  const std::uint64_t size = planner.between(1, 2'000);
  for (std::uint64_t i = 0; i < size; ++i)
    out += static_cast<char>(static_cast<unsigned char>(planner.between(0, 255)));
  return out + "\r\n\r\n";
}

}  // namespace

const DefectRule& rule_of(Defect defect) {
  const auto found = std::ranges::find(kRules, defect, &DefectRule::defect);
  return found == kRules.end() ? kGood : *found;
}

std::span<const DefectRule> plantable(bool by_origin_too) {
  return std::span(kRules).first(by_origin_too ? kRules.size() - 1 : kOfClient);
}

std::span<const DefectRule> plantable(std::string_view name) {
  const std::span<const DefectRule> all = plantable(true);
  const auto found = std::ranges::find(all, name, &DefectRule::name);
  return all.subspan(static_cast<std::size_t>(found - all.begin()), found == all.end() ? 0 : 1);
}

// Tokens of different seeds do not meet: mix() is a bijection, and no run makes 2^40 requests.
Planner::Planner(std::uint64_t seed) : random_(seed), counter_(seed << 40U) {}

bool Planner::chance(double share) {
  return std::bernoulli_distribution(share)(random_);
}

std::uint64_t Planner::between(std::uint64_t low, std::uint64_t high) {
  return std::uniform_int_distribution<std::uint64_t>(low, high)(random_);
}

// Every order of magnitude is as likely as every other.
std::uint64_t Planner::size() {
  if (chance(0.1)) return 0;
  const double exponent =
      std::uniform_real_distribution<double>(0, std::log2(static_cast<double>(kLargestBody)))(random_);
  return static_cast<std::uint64_t>(std::exp2(exponent));
}

std::uint64_t Planner::next_token() {
  return load::mix(++counter_);
}

Plan Planner::good(bool alone) {
  Plan plan;
  plan.token = next_token();
  plan.reply_bytes = size();
  plan.framing = chance(0.4) ? ReplyFraming::chunked : ReplyFraming::length;
  if (chance(0.4)) {
    plan.method = Method::post;
    plan.request_bytes = size();
    plan.chunked = chance(0.4);
    plan.expects_continue = chance(0.03);
    plan.area = chance(0.2) ? "inspect" : chance(0.15) ? "buffer" : "soak";
  } else if (chance(0.05)) {
    plan.method = Method::head;
  }
  if (alone && chance(0.02)) plan.framing = ReplyFraming::until_close;
  if (alone && chance(0.02)) plan.origin_closes = true;
  return plan;
}

Plan Planner::broken(std::span<const DefectRule> rules) {
  Plan plan = good(false);
  plan.defect = rules[between(0, rules.size() - 1)].defect;
  plan.expects_continue = false;
  plan.reply_bytes = std::max<std::uint64_t>(plan.reply_bytes, 64);
  if (plan.method == Method::head) plan.method = Method::get;
  switch (plan.defect) {
    case Defect::leaves_in_body:
    case Defect::resets_in_body:
    case Defect::half_closes_in_body:
    case Defect::sends_bad_chunk:
    case Defect::sends_both_framings:
    case Defect::sends_bad_length:
    case Defect::origin_answers_early:
    case Defect::origin_dies_in_body:
      plan.method = Method::post;
      plan.request_bytes = std::max<std::uint64_t>(plan.request_bytes, 1'000);
      plan.chunked = plan.defect == Defect::sends_bad_chunk || plan.defect == Defect::sends_both_framings ||
                     (plan.chunked && plan.defect != Defect::sends_bad_length);
      break;
    case Defect::leaves_in_answer:
      plan.reply_bytes = kLargestBody;
      break;
    case Defect::origin_sends_bad_chunk:
      plan.framing = ReplyFraming::chunked;
      break;
    case Defect::origin_sends_excess:
      plan.framing = ReplyFraming::length;
      break;
    default:
      break;
  }
  return plan;
}

std::string render(const Plan& plan, Planner& planner) {
  if (plan.defect == Defect::sends_garbage) return garbage(planner);
  const DefectRule& rule = rule_of(plan.defect);
  std::string out(name_of(plan.method));
  out.append(" /").append(plan.area).append("/").append(hex(plan.token)).append("/");
  out.append(std::to_string(plan.reply_bytes)).append("/").append(1, letter_of(plan.framing));
  out.append(" HTTP/1.1\r\nHost: soak.test\r\nX-Token: ").append(hex(plan.token)).append("\r\n");
  out.append("X-Body-Length: ").append(std::to_string(plan.request_bytes)).append("\r\n");
  if (plan.close) out += "Connection: close\r\n";
  if (plan.expects_continue) out += "Expect: 100-continue\r\n";
  if (rule.by_origin) out.append("X-Behave: ").append(rule.name).append("\r\n");
  if (plan.origin_closes) out += "X-Behave: closes\r\n";
  if (plan.defect == Defect::sends_large_header) out.append("X-Large: ").append(80'000, 'x').append("\r\n");
  out += framing_fields(plan);
  if (plan.defect == Defect::leaves_in_head) return out.substr(0, planner.between(1, out.size()));
  out += "\r\n";
  const std::size_t head_size = out.size();
  if (plan.chunked) {
    append_chunked(out, plan, planner);
  } else {
    load::append_pattern(out, plan.token, 0, plan.request_bytes);
  }
  const bool cut = plan.defect == Defect::leaves_in_body || plan.defect == Defect::resets_in_body ||
                   plan.defect == Defect::half_closes_in_body;
  if (cut) out.resize(head_size + planner.between(0, out.size() - head_size - 1));
  return out;
}

std::uint64_t reply_pattern(std::uint64_t token) {
  return ~token;
}

std::string hex(std::uint64_t token) {
  std::array<char, 17> digits{};
  std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(token));
  return digits.data();
}

}  // namespace banyan::soak
