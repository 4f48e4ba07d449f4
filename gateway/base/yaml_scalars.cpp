#include "gateway/base/yaml_scalars.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <utility>

namespace banyan::yaml {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array<Unit, 4> kDurationUnits{{{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}}};
constexpr std::array<Unit, 5> kSizeUnits{
    {{"", 1}, {"KiB", 1ULL << 10U}, {"MiB", 1ULL << 20U}, {"GiB", 1ULL << 30U}, {"TiB", 1ULL << 40U}}};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// "12ms" times its unit; nothing for an unknown unit or a product that does not fit 63 bits.
template <std::size_t N>
std::optional<std::uint64_t> parse_with_unit(std::string_view text, const std::array<Unit, N>& units) {
  const std::size_t digits = static_cast<std::size_t>(std::ranges::find_if_not(text, is_digit) - text.begin());
  const auto number = parse_unsigned(text.substr(0, digits));
  if (!number) return std::nullopt;
  for (const Unit& unit : units) {
    if (unit.name != text.substr(digits)) continue;
    if (*number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / unit.factor) break;
    return *number * unit.factor;
  }
  return std::nullopt;
}

template <std::size_t N>
std::string written(std::uint64_t value, const std::array<Unit, N>& units) {
  const Unit* best = &units.front();
  for (const Unit& unit : units) {
    if (value >= unit.factor && value % unit.factor == 0) best = &unit;
  }
  return std::to_string(value / best->factor) + std::string(best->name);
}

bool is_ipv4(const std::string& host) {
  in_addr address{};
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1;
}

bool is_ipv6(const std::string& host) {
  in6_addr address{};
  return ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

bool is_host_name(std::string_view host) {
  return !host.empty() && host.size() <= 253 && host.front() != '-' && host.front() != '.' &&
         std::ranges::all_of(host, [](char c) {
           return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_';
         });
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  const auto port = parse_unsigned(text);
  if (!port || *port > 65'535) return std::nullopt;
  return static_cast<std::uint16_t>(*port);
}

struct Authority {
  std::string host;
  bool bracketed = false;
  std::optional<std::string_view> port;
};

std::optional<Authority> split_authority(std::string_view text) {
  Authority authority;
  std::string_view rest;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    authority.host = text.substr(1, end - 1);
    authority.bracketed = true;
    rest = text.substr(end + 1);
  } else {
    const std::size_t colon = text.find(':');
    authority.host = text.substr(0, colon);
    rest = colon == std::string_view::npos ? std::string_view{} : text.substr(colon);
  }
  if (authority.bracketed != is_ipv6(authority.host)) return std::nullopt;
  if (rest.empty()) return authority;
  if (rest.front() != ':') return std::nullopt;
  authority.port = rest.substr(1);
  return authority;
}

// A reader whose value must also lie between two bounds.
template <typename T, typename Parse>
Reader<T> bounded(std::string what, Parse parse, T least, T most) {
  return scalar<T>(std::move(what), [parse, least, most](std::string_view text) -> std::optional<T> {
    const std::optional<T> value = parse(text);
    return value && *value >= least && *value <= most ? value : std::nullopt;
  });
}

constexpr const char* kSecretForms = "a reference to a secret: env:NAME or file:PATH";

// What to expect instead of a reference that yields no secret.
std::string where_a_secret_belongs(std::string_view reference) {
  if (reference.starts_with("env:")) return "the secret in that variable of Banyan's environment";
  if (reference.starts_with("file:")) return "a file that holds the secret";
  return kSecretForms;
}

}  // namespace

std::optional<std::uint64_t> parse_unsigned(std::string_view text) {
  if (text.empty() || !std::ranges::all_of(text, is_digit)) return std::nullopt;
  std::uint64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc{}) return std::nullopt;
  return value;
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const auto milliseconds = parse_with_unit(text, kDurationUnits);
  if (!milliseconds) return std::nullopt;
  return std::chrono::milliseconds(static_cast<std::int64_t>(*milliseconds));
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  return parse_with_unit(text, kSizeUnits);
}

std::optional<double> parse_percent(std::string_view text) {
  if (text.ends_with('%')) text.remove_suffix(1);
  const std::size_t dot = text.find('.');
  const auto whole = parse_unsigned(text.substr(0, dot));
  if (!whole || *whole > 100) return std::nullopt;
  std::uint64_t thousandths = 0;
  if (dot != std::string_view::npos) {
    std::string decimals(text.substr(dot + 1));
    if (decimals.empty() || decimals.size() > 3) return std::nullopt;
    decimals.resize(3, '0');
    const auto parsed = parse_unsigned(decimals);
    if (!parsed) return std::nullopt;
    thousandths = *parsed;
  }
  const std::uint64_t total = *whole * 1'000 + thousandths;
  if (total > 100'000) return std::nullopt;
  return static_cast<double>(total) / 1'000.0;
}

std::optional<HostPort> parse_address(std::string_view text) {
  auto authority = split_authority(text);
  if (!authority || !authority->port) return std::nullopt;
  if (!authority->bracketed && !is_ipv4(authority->host)) return std::nullopt;
  const auto port = parse_port(*authority->port);
  if (!port) return std::nullopt;
  return HostPort{std::move(authority->host), *port};
}

std::optional<HostPort> parse_http_url(std::string_view text) {
  constexpr std::string_view kScheme = "http://";
  if (!text.starts_with(kScheme)) return std::nullopt;
  text.remove_prefix(kScheme.size());
  if (text.ends_with('/')) text.remove_suffix(1);
  auto authority = split_authority(text);
  if (!authority || (!authority->bracketed && !is_host_name(authority->host))) return std::nullopt;
  const auto port = authority->port ? parse_port(*authority->port) : std::optional<std::uint16_t>(std::uint16_t{80});
  if (!port || *port == 0) return std::nullopt;
  return HostPort{std::move(authority->host), *port};
}

bool is_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string host(text.substr(0, slash));
  const bool v4 = is_ipv4(host);
  if (!v4 && !is_ipv6(host)) return false;
  if (slash == std::string_view::npos) return true;
  const auto bits = parse_unsigned(text.substr(slash + 1));
  return bits && *bits <= (v4 ? 32U : 128U);
}

bool is_loopback(const std::string& host) {
  in_addr v4{};
  if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24U) == 127U;
  in6_addr v6{};
  return ::inet_pton(AF_INET6, host.c_str(), &v6) == 1 &&
         std::equal(std::begin(v6.s6_addr), std::end(v6.s6_addr), std::begin(in6addr_loopback.s6_addr));
}

Reader<std::string> text() {
  return scalar<std::string>("a text", [](std::string_view value) -> std::optional<std::string> {
    if (value.empty()) return std::nullopt;
    return std::string(value);
  });
}

Reader<bool> boolean() {
  return choice<bool>({{"true", true}, {"false", false}});
}

Reader<std::uint64_t> integer(std::uint64_t least, std::uint64_t most) {
  const std::string what = "a whole number from " + std::to_string(least) + " to " + std::to_string(most);
  return bounded<std::uint64_t>(what, parse_unsigned, least, most);
}

Reader<std::chrono::milliseconds> duration(std::chrono::milliseconds least, std::chrono::milliseconds most) {
  const auto in_words = [](std::chrono::milliseconds value) {
    return written(static_cast<std::uint64_t>(value.count()), kDurationUnits);
  };
  const std::string what =
      "a duration from " + in_words(least) + " to " + in_words(most) + ", such as 500ms, 10s or 2m";
  return bounded<std::chrono::milliseconds>(what, parse_duration, least, most);
}

Reader<std::uint64_t> size(std::uint64_t least, std::uint64_t most) {
  const std::string what = "a size from " + written(least, kSizeUnits) + " to " + written(most, kSizeUnits) +
                           ", in bytes or such as 64KiB, 16MiB or 8GiB";
  return bounded<std::uint64_t>(what, parse_size, least, most);
}

Reader<double> percent() {
  return scalar<double>("a share from 0 to 100 with at most three decimals", parse_percent);
}

Reader<HostPort> address() {
  return scalar<HostPort>("an address with its port, such as 127.0.0.1:8080 or [::1]:8080", parse_address);
}

Reader<HostPort> http_url() {
  return scalar<HostPort>("a URL such as http://127.0.0.1:8001, without a path", parse_http_url);
}

Reader<std::string> network() {
  return scalar<std::string>("a network such as 10.0.0.0/8 or ::1/128",
                             [](std::string_view value) -> std::optional<std::string> {
                               if (!is_network(value)) return std::nullopt;
                               return std::string(value);
                             });
}

Reader<std::string> path() {
  auto read = [](const Node& node, std::string& out) {
    std::string value;
    text().read(node, value);
    if (!value.empty()) out = (std::filesystem::path(node.directory()) / value).lexically_normal().string();
  };
  return {std::move(read), "a path", {}};
}

Reader<Secret> secret() {
  const std::string what = kSecretForms;
  auto read = [what](const Node& node, Secret& out) {
    if (node.kind() != Node::Kind::scalar) {
      node.fault(node.describe(), what);
      return;
    }
    auto value = resolve_secret(node.scalar(), node.directory());
    if (!value) {
      node.fault(value.error().public_message, where_a_secret_belongs(node.scalar()));
      return;
    }
    out = std::move(*value);
  };
  return {std::move(read), what, {}};
}

}  // namespace banyan::yaml
