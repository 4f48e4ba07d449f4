// What the soak sends: one request with its token, sizes and framings, and what is broken about it, if anything.
// Pure: a seeded generator and a renderer. Shared with the origin, which reads the same words off the wire.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <string_view>

namespace banyan::soak {

enum class Method : std::uint8_t { get, head, post };

// How the origin frames its answer.
enum class ReplyFraming : std::uint8_t { length, chunked, until_close };

// What a broken exchange must end in. A reply with a foreign token or a wrong byte is a fault in each of them.
enum class Fate : std::uint8_t {
  success,        // 200, own token, whole body
  refused,        // an error of the proxy's own, or the connection closed; never a 200
  cut,            // an error of the proxy's own, or an answer that visibly breaks off; never a complete 200
  any_but_wrong,  // whole and right, refused or cut
  client_leaves,  // nobody waits for the answer
};

// How the client behaves once the bytes of the plan are sent.
enum class Act : std::uint8_t { read, half_close, leave, leave_with_reset, leave_in_answer, leave_when_bored };

enum class Defect : std::uint8_t {
  none,
  // Of the client.
  leaves_in_head,
  leaves_in_body,
  resets_in_body,
  leaves_before_answer,
  leaves_in_answer,
  half_closes,
  half_closes_in_body,
  sends_garbage,
  sends_bad_chunk,
  sends_large_header,
  sends_both_framings,
  sends_bad_length,
  // Of the origin, which is told by the field X-Behave.
  origin_dies,
  origin_dies_in_body,
  origin_cuts_head,
  origin_cuts_body,
  origin_stalls,
  origin_stalls_in_body,
  origin_answers_early,
  origin_sends_both_framings,
  origin_sends_bad_chunk,
  origin_sends_garbage,
  origin_sends_excess,
  origin_floods_interim,
  // A good request on a connection on which something was broken before.
  follows_a_defect,
};

struct DefectRule {
  Defect defect = Defect::none;
  std::string_view name;  // in reports, and the value of X-Behave
  Fate fate = Fate::success;
  Act act = Act::read;
  bool by_origin = false;
};

const DefectRule& rule_of(Defect defect);
// Those that a run may plant: of the client alone, or all. plantable(name): this one; empty if there is none.
std::span<const DefectRule> plantable(bool by_origin_too);
std::span<const DefectRule> plantable(std::string_view name);

struct Plan {
  std::uint64_t token = 0;
  Method method = Method::get;
  std::string_view area = "soak";  // first path segment; the settings of the proxy treat each in another way
  std::uint64_t request_bytes = 0;
  std::uint64_t reply_bytes = 0;
  bool chunked = false;  // the request body
  bool expects_continue = false;
  bool close = false;          // the request says Connection: close
  bool origin_closes = false;  // the origin says so
  ReplyFraming framing = ReplyFraming::length;
  Defect defect = Defect::none;
};

class Planner {
public:
  explicit Planner(std::uint64_t seed);

  // A good request. `alone`: no other one is sent before it is answered, so that the answer may end the connection.
  Plan good(bool alone);
  Plan broken(std::span<const DefectRule> rules);

  bool chance(double share);
  std::uint64_t between(std::uint64_t low, std::uint64_t high);  // both included

private:
  std::uint64_t size();
  std::uint64_t next_token();

  std::mt19937_64 random_;
  std::uint64_t counter_;
};

// The bytes to send, whole or as far as the defect lets them come.
std::string render(const Plan& plan, Planner& planner);

// The pattern of the reply's body; differs from that of the request's.
std::uint64_t reply_pattern(std::uint64_t token);

std::string hex(std::uint64_t token);

}  // namespace banyan::soak
