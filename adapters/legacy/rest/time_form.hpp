// Moments and dates as a legacy system writes them.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/clock.hpp"

namespace banyan::legacy::rest {

// UTC. Wider than WallTime, so that 9999-12-31 has a place.
using Moment = std::chrono::sys_time<std::chrono::microseconds>;

struct TimeForm {
  enum class Kind : std::uint8_t {
    iso,            // RFC 3339; read with "T" or a space, with or without fraction and zone
    epoch_seconds,  // "1795226601", "1795226601.5"
    epoch_millis,
    pattern,  // %Y %m %d %H %M %S %f (up to six digits) %z %b (Jan) %%
  };
  Kind kind = Kind::iso;
  std::string pattern;
  std::chrono::minutes utc_offset{0};  // of texts that name no zone
  std::chrono::microseconds precision{1'000'000};
};

// Nothing for a text of another form, a date that does not exist, or a year outside 1 to 9999.
std::optional<Moment> parse_time(const TimeForm& form, std::string_view text);
// Cut to the precision, downwards. Iso is written in the form's zone: "Z", or "+02:00".
std::string format_time(const TimeForm& form, Moment moment);

// What is wrong with a pattern; empty: nothing. With `time_of_day` it must hold hours and minutes too.
std::string pattern_fault(std::string_view pattern, bool time_of_day);

// Texts that stand for "no date": "0000-00-00", "0000-00-00 00:00:00".
bool is_zero_date(std::string_view text);

// The text form of stamps in cursors: always 27 bytes, so that texts sort as moments do.
std::string cursor_text(Moment moment);
std::optional<Moment> moment_of_cursor(std::string_view text);

// Nothing if out of WallTime's range (years 1678 to 2261).
std::optional<WallTime> to_wall(Moment moment);
Moment to_moment(WallTime time);

}  // namespace banyan::legacy::rest
