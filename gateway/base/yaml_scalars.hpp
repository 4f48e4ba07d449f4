// Readers for single values: texts, numbers, durations, sizes, addresses, URLs, secrets.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/secret.hpp"
#include "gateway/base/yaml_schema.hpp"

namespace banyan::yaml {

// Texts to values; nothing if the text is not exactly of the form.

// Decimal digits only.
std::optional<std::uint64_t> parse_unsigned(std::string_view text);
// "500ms", "10s", "2m", "1h": a whole number and a unit.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
// "4096", "64KiB", "16MiB", "8GiB", "1TiB": a whole number of bytes, or of a binary unit.
std::optional<std::uint64_t> parse_size(std::string_view text);
// "12", "12.5", "12.125", with or without "%": 0 to 100, at most three decimals.
std::optional<double> parse_percent(std::string_view text);

struct HostPort {
  std::string host;  // no brackets
  std::uint16_t port = 0;
};
// "127.0.0.1:8080", "[::1]:8080": an IP literal and a port. Port 0 is allowed: any free port.
std::optional<HostPort> parse_address(std::string_view text);
// "http://host", "http://127.0.0.1:8001", "http://[::1]:80/": no user, path, query or fragment. The port defaults to
// 80; 0 is refused.
std::optional<HostPort> parse_http_url(std::string_view text);
// "10.0.0.0/8", "::1/128", or a lone address.
bool is_network(std::string_view text);
// Whether the literal is of the loopback network: 127.0.0.0/8 or ::1.
bool is_loopback(const std::string& host);

// Readers of the same forms. Bounds are inclusive.
Reader<std::string> text();  // not empty
Reader<bool> boolean();      // true or false
Reader<std::uint64_t> integer(std::uint64_t least, std::uint64_t most);
Reader<std::chrono::milliseconds> duration(std::chrono::milliseconds least, std::chrono::milliseconds most);
Reader<std::uint64_t> size(std::uint64_t least, std::uint64_t most);
Reader<double> percent();
Reader<HostPort> address();
Reader<HostPort> http_url();
Reader<std::string> network();

// A path; a relative one is resolved against the directory of the file.
Reader<std::string> path();

// env:NAME or file:PATH. A literal is refused and not repeated.
Reader<Secret> secret();

// integer() and size() for a narrower type; `most` must fit.
template <typename T>
Reader<T> integer_of(std::uint64_t least, std::uint64_t most = std::numeric_limits<T>::max()) {
  return transform<std::uint64_t, T>(integer(least, most), [](std::uint64_t value) { return static_cast<T>(value); });
}
template <typename T>
Reader<T> size_of(std::uint64_t least, std::uint64_t most = std::numeric_limits<T>::max()) {
  return transform<std::uint64_t, T>(size(least, most), [](std::uint64_t value) { return static_cast<T>(value); });
}

}  // namespace banyan::yaml
