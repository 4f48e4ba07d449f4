#include "gateway/proxy/forwarded.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <random>

namespace banyan::proxy {
namespace {

constexpr bool is_lower_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

void write_hex(std::uint64_t value, char* out) {
  for (int i = 15; i >= 0; --i, value >>= 4) out[i] = "0123456789abcdef"[value & 0xf];
}

std::string_view without_port(std::string_view entry) {
  if (entry.starts_with('[')) return entry.substr(1, entry.find(']') - 1);
  return std::count(entry.begin(), entry.end(), ':') == 1 ? entry.substr(0, entry.find(':')) : entry;
}

}  // namespace

Result<AddressBytes> parse_address(std::string_view text) {
  const std::string copy(text);
  AddressBytes bytes{};
  in_addr v4{};
  if (inet_pton(AF_INET, copy.c_str(), &v4) == 1) {
    bytes[10] = bytes[11] = 0xff;
    std::copy_n(reinterpret_cast<const std::uint8_t*>(&v4), 4, bytes.begin() + 12);
    return bytes;
  }
  if (inet_pton(AF_INET6, copy.c_str(), bytes.data()) == 1) return bytes;
  return fail(ErrorCode::invalid_argument, "\"" + copy + "\" is not an IP address.");
}

Result<TrustedNetworks> TrustedNetworks::parse(const std::vector<std::string>& networks) {
  TrustedNetworks result;
  for (const auto& text : networks) {
    const auto slash = text.find('/');
    const auto address = parse_address(std::string_view(text).substr(0, slash));
    if (!address) return tl::unexpected(address.error());
    const bool v4 = text.find(':') == std::string::npos;
    unsigned bits = v4 ? 32 : 128;
    if (slash != std::string::npos) {
      const unsigned most = bits;
      const auto [end, ec] = std::from_chars(text.data() + slash + 1, text.data() + text.size(), bits);
      if (ec != std::errc{} || end != text.data() + text.size() || bits > most) {
        return fail(ErrorCode::invalid_argument, "\"" + text + "\" is not a network in CIDR form.");
      }
    }
    result.networks_.push_back({*address, v4 ? bits + 96 : bits});
  }
  return result;
}

bool TrustedNetworks::contains(const AddressBytes& address) const {
  return std::any_of(networks_.begin(), networks_.end(), [&](const Network& network) {
    const unsigned whole = network.bits / 8;
    if (!std::equal(address.begin(), address.begin() + whole, network.address.begin())) return false;
    const unsigned rest = network.bits % 8;
    return rest == 0 || ((address[whole] ^ network.address[whole]) >> (8 - rest)) == 0;
  });
}

std::string_view client_address(std::string_view peer, bool peer_trusted, const TrustedNetworks& trusted,
                                const FieldList& list) {
  if (!peer_trusted) return peer;
  auto client = peer;
  for (std::size_t i = list.fields.size(); i-- > 0;) {
    if (list.kinds[i] != FieldKind::x_forwarded_for) continue;
    std::vector<std::string_view> hops;
    for_each_element(list.fields[i].value, [&](std::string_view hop) { hops.push_back(without_port(hop)); });
    for (auto hop = hops.rbegin(); hop != hops.rend(); ++hop) {
      const auto bytes = parse_address(*hop);
      if (!bytes) return client;
      client = *hop;
      if (!trusted.contains(*bytes)) return client;
    }
  }
  return client;
}

bool is_traceparent(std::string_view v) {
  if (v.size() < 55 || (v.size() > 55 && (v.starts_with("00") || v[55] != '-'))) return false;
  if (v[2] != '-' || v[35] != '-' || v[52] != '-' || v.starts_with("ff")) return false;
  const auto hex = [&](std::size_t from, std::size_t count) {
    const auto part = v.substr(from, count);
    return std::all_of(part.begin(), part.end(), is_lower_hex);
  };
  const auto zero = [&](std::size_t from, std::size_t count) {
    return v.substr(from, count).find_first_not_of('0') == std::string_view::npos;
  };
  return hex(0, 2) && hex(3, 32) && hex(36, 16) && hex(53, 2) && !zero(3, 32) && !zero(36, 16);
}

bool is_request_id(std::string_view value) {
  return !value.empty() && value.size() <= 128 && std::all_of(value.begin(), value.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' ||
           c == '-' || c == ':' || c == '/';
  });
}

Random::Random() : state_{} {
  std::random_device device;
  for (auto& word : state_) word = (std::uint64_t{device()} << 32) | device();
}

Random::Random(std::uint64_t seed) : state_{} {
  // splitmix64, as the authors of xoshiro advise for seeding.
  for (auto& word : state_) {
    seed += 0x9e3779b97f4a7c15;
    auto z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    word = z ^ (z >> 31);
  }
}

std::uint64_t Random::next() {
  const auto result = std::rotl(state_[1] * 5, 7) * 9;
  const auto t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

TraceId make_trace_id(Random& random) {
  TraceId id;
  write_hex(random.next() | 1, id.data());
  write_hex(random.next(), id.data() + 16);
  return id;
}

SpanId make_span_id(Random& random) {
  SpanId id;
  write_hex(random.next() | 1, id.data());
  return id;
}

}  // namespace banyan::proxy
