// Random: the one source of chance in a simulation. The same seed gives the same run on every platform and library,
// which std::distributions do not promise.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace banyan::simulation {

// xoshiro256** (Blackman, Vigna 2018), seeded by splitmix64. Not for threads.
class Random {
public:
  explicit Random(std::uint64_t seed) {
    for (std::uint64_t& word : state_) word = split_mix(seed);
  }

  std::uint64_t next() {
    const std::uint64_t result = rotate(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17U;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotate(state_[3], 45);
    return result;
  }

  // From 0 to limit - 1; 0 for a limit of 0. The bias of the remainder is far below what a simulation can notice.
  std::uint64_t below(std::uint64_t limit) { return limit == 0 ? 0 : next() % limit; }
  std::int64_t between(std::int64_t least, std::int64_t most) {
    return least + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(most - least + 1)));
  }
  // True in so many of a thousand cases.
  bool chance(std::uint32_t per_mille) { return below(1000) < per_mille; }

  template <typename T>
  const T& pick(std::span<const T> from) {
    return from[below(from.size())];
  }
  // An index, each with the given weight.
  std::size_t weighted(std::span<const std::uint32_t> weights) {
    std::uint64_t total = 0;
    for (const std::uint32_t weight : weights) total += weight;
    std::uint64_t at = below(total);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      if (at < weights[i]) return i;
      at -= weights[i];
    }
    return 0;
  }

private:
  static std::uint64_t rotate(std::uint64_t value, unsigned by) { return value << by | value >> (64U - by); }
  static std::uint64_t split_mix(std::uint64_t& state) {
    state += 0x9E3779B97F4A7C15U;
    std::uint64_t value = state;
    value = (value ^ value >> 30U) * 0xBF58476D1CE4E5B9U;
    value = (value ^ value >> 27U) * 0x94D049BB133111EBU;
    return value ^ value >> 31U;
  }

  std::array<std::uint64_t, 4> state_{};
};

}  // namespace banyan::simulation
