#include "adapters/records/record_id.hpp"

#include <algorithm>
#include <chrono>
#include <string_view>

namespace banyan::records {
namespace {

std::uint64_t random_seed() {
  std::random_device device;
  return static_cast<std::uint64_t>(device()) << 32U | device();
}

void append_hex(std::string& out, std::uint64_t value, unsigned digits) {
  constexpr std::string_view kHex = "0123456789abcdef";
  for (unsigned i = digits; i > 0; --i) out += kHex[value >> (4 * (i - 1)) & 0xFU];
}

}  // namespace

RecordIds::RecordIds(const Clock& clock) : RecordIds(clock, random_seed()) {}

RecordIds::RecordIds(const Clock& clock, std::uint64_t seed) : clock_(clock), random_(seed) {}

std::string RecordIds::next() {
  using namespace std::chrono;
  const auto now = static_cast<std::uint64_t>(duration_cast<milliseconds>(clock_.wall().time_since_epoch()).count());
  std::uint64_t moment = 0;
  std::uint64_t bits = 0;
  {
    const std::lock_guard lock(mutex_);
    last_ = std::max(last_ + 1, now << 12U);
    moment = last_;
    bits = random_();
  }
  std::string id;
  id.reserve(36);
  append_hex(id, moment >> 28U, 8);
  id += '-';
  append_hex(id, moment >> 12U & 0xFFFFU, 4);
  id += "-7";
  append_hex(id, moment & 0xFFFU, 3);
  id += '-';
  append_hex(id, 0x8U | (bits & 0x3U), 1);
  append_hex(id, bits >> 2U & 0xFFFU, 3);
  id += '-';
  append_hex(id, bits >> 14U, 12);
  return id;
}

}  // namespace banyan::records
