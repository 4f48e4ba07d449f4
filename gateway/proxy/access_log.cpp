#include "gateway/proxy/access_log.hpp"

#include <array>
#include <charconv>
#include <ctime>

namespace banyan::proxy {
namespace {

// Bytes that JSON does not take as they are. Bytes >= 0x80 come only in refused heads, whose text is not logged, or in
// no field at all; they are escaped as Latin-1 to keep the line valid.
void append_text(std::string& out, std::string_view text) {
  out += '"';
  std::size_t clean = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') continue;
    out.append(text, clean, i - clean);
    clean = i + 1;
    constexpr std::string_view kHex = "0123456789abcdef";
    out.append("\\u00").append(1, kHex[c >> 4]).append(1, kHex[c & 15]);
  }
  out.append(text, clean).append(1, '"');
}

template <typename Number>
void append_number(std::string& out, Number value, int base = 10) {
  std::array<char, 24> digits;
  const auto result = std::to_chars(digits.data(), digits.data() + digits.size(), value, base);
  out.append(digits.data(), result.ptr);
}

void append_time(std::string& out, WallTime time) {
  const auto since = std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
  const std::time_t second = since / 1'000'000;
  // Requests of one second share the text of the second.
  thread_local std::time_t cached_second = -1;
  thread_local std::array<char, 24> cached{};
  if (second != cached_second) {
    std::tm utc{};
    gmtime_r(&second, &utc);
    std::strftime(cached.data(), cached.size(), "%Y-%m-%dT%H:%M:%S.", &utc);
    cached_second = second;
  }
  std::array<char, 8> fraction{"000000Z"};
  auto left = since % 1'000'000;
  for (int i = 5; i >= 0; --i, left /= 10) fraction[static_cast<std::size_t>(i)] = static_cast<char>('0' + left % 10);
  out.append("\"").append(cached.data()).append(fraction.data()).append("\"");
}

}  // namespace

void append_line(std::string& out, const AccessRecord& record) {
  out += "{\"time\":";
  append_time(out, record.time);
  const auto text = [&](std::string_view key, std::string_view value) {
    out.append(",\"").append(key).append("\":");
    append_text(out, value);
  };
  const auto number = [&](std::string_view key, std::uint64_t value) {
    out.append(",\"").append(key).append("\":");
    append_number(out, value);
  };
  text("client", record.client);
  text("method", record.method);
  text("target", record.target);
  text("host", record.host);
  text("protocol", record.minor_version == 0 ? "HTTP/1.0" : "HTTP/1.1");
  text("function", record.function);
  text("stage", catalog::to_string(record.stage));
  text("served_by", catalog::to_string(record.served_by));
  out += ",\"subject\":\"";
  for (int shift = 60; shift >= 0; shift -= 4) out += "0123456789abcdef"[record.subject >> shift & 15];
  out += '"';
  number("status", static_cast<std::uint64_t>(record.status));
  number("request_bytes", record.request_bytes);
  number("response_bytes", record.response_bytes);
  number("duration_us", record.duration_us);
  number("upstream_us", record.upstream_us);
  text("upstream", record.upstream);
  text("request_id", record.request_id);
  if (!record.error.empty()) text("error", record.error);
  out += "}\n";
}

}  // namespace banyan::proxy
