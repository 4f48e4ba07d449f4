// What the status and the fields of an answer mean, without any I/O.
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

#include "adapters/legacy/http_client.hpp"
#include "gateway/base/json_text.hpp"

namespace banyan::legacy {
namespace {

constexpr std::chrono::hours kLongestWait{24};

constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

Failure::Kind kind_of_status(int status, bool write, bool asks_to_wait) {
  switch (status) {
    case 401:
    case 403:
      return Failure::Kind::unauthorised;
    case 404:
    case 410:
      return Failure::Kind::missing;
    case 408:
      return Failure::Kind::unavailable;
    case 409:
      return Failure::Kind::duplicate;
    case 412:
      return Failure::Kind::stale;
    case 429:
      return Failure::Kind::rate_limited;
    case 502:  // from a proxy that may have passed the request on
    case 504:
      return write ? Failure::Kind::unknown : Failure::Kind::unavailable;
    case 503:
      return asks_to_wait ? Failure::Kind::rate_limited : Failure::Kind::unavailable;
    default:
      break;
  }
  if (status >= 500) return Failure::Kind::unavailable;
  return status >= 400 ? Failure::Kind::rejected : Failure::Kind::malformed;
}

}  // namespace

// RFC 9110 section 5.6.7, the preferred form: "Sun, 06 Nov 1994 08:49:37 GMT".
std::optional<WallTime> parse_http_date(std::string_view text) {
  std::array<char, 4> month_name{};
  unsigned day = 0;
  unsigned hour = 0;
  unsigned minute = 0;
  unsigned second = 0;
  int year = 0;
  int read = 0;
  const std::string terminated(text.substr(0, 64));
  const int fields = std::sscanf(terminated.c_str(), "%*3s, %2u %3s %4d %2u:%2u:%2u GMT%n", &day, month_name.data(),
                                 &year, &hour, &minute, &second, &read);
  const auto* const month = std::find(kMonths.begin(), kMonths.end(), std::string_view(month_name.data()));
  if (fields != 6 || read != static_cast<int>(text.size()) || month == kMonths.end()) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month - kMonths.begin()) + 1),
                                         std::chrono::day(day)};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

std::optional<std::chrono::milliseconds> retry_after(const HttpResponse& response, WallTime now) {
  const std::string_view text = response.header("Retry-After");
  if (text.empty()) return std::nullopt;
  const std::chrono::milliseconds longest = kLongestWait;
  if (std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; })) {
    std::uint32_t seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error != std::errc{}) return longest;
    return std::min<std::chrono::milliseconds>(std::chrono::seconds(seconds), longest);
  }
  const auto date = parse_http_date(text);
  if (!date) return std::nullopt;
  const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(*date - now);
  return std::clamp(wait, std::chrono::milliseconds(0), longest);
}

std::optional<Failure> failure_of_status(const HttpResponse& response, bool write, WallTime now) {
  if (response.status >= 200 && response.status < 300) return std::nullopt;
  const auto wait = response.status == 429 || response.status == 503 ? retry_after(response, now) : std::nullopt;
  std::string message = "status " + std::to_string(response.status);
  if (!response.header("Location").empty()) message += " to " + excerpt(response.header("Location"), 200);
  if (!response.body.empty()) message += ": " + excerpt(response.body);
  return Failure{kind_of_status(response.status, write, wait.has_value()), std::move(message), wait};
}

std::string excerpt(std::string_view found, std::size_t limit_bytes) {
  const bool cut = found.size() > limit_bytes;
  std::string text;
  append_json_string(text, found.substr(0, limit_bytes));
  text = text.substr(1, text.size() - 2);  // the quotes
  if (text.size() > limit_bytes) {
    std::size_t end = limit_bytes;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;  // not within a character
    text.resize(end);
  }
  return cut ? text + "..." : text;
}

}  // namespace banyan::legacy
