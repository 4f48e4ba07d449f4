// Latency histogram with a bounded relative error: 64 linear steps per power of two (about 1.6 %), 64-bit counts.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace banyan::load {

class Histogram {
public:
  void record(std::uint64_t value) {
    ++counts_[index_of(value)];
    ++total_;
  }

  // The smallest recordable value that at least `share` (0 to 1) of the recorded ones do not exceed; 0 if there are
  // none.
  std::uint64_t quantile(double share) const {
    const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(total_));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen > 0 && seen >= wanted) return value_of(i);
    }
    return 0;
  }

  std::uint64_t total() const { return total_; }

private:
  static constexpr std::uint64_t kSteps = 64;

  static std::size_t index_of(std::uint64_t value) {
    if (value < kSteps) return value;
    const auto octave = static_cast<std::uint64_t>(std::bit_width(value)) - 7;  // 0: 64 to 127
    return kSteps + octave * kSteps + ((value >> octave) - kSteps);
  }

  static std::uint64_t value_of(std::size_t index) {
    if (index < kSteps) return index;
    const std::uint64_t octave = (index - kSteps) / kSteps;
    return ((index - kSteps) % kSteps + kSteps) << octave;
  }

  std::array<std::uint64_t, kSteps * 59> counts_{};
  std::uint64_t total_ = 0;
};

}  // namespace banyan::load
