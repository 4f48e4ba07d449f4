// Ids of records: UUIDs of version 7 (RFC 9562 section 5.7).
#pragma once

#include <cstdint>
#include <mutex>
#include <random>
#include <string>

#include "gateway/base/clock.hpp"

namespace banyan::records {

// Ids of one object rise: they sort by the time they were made, also within a millisecond and if the clock steps back.
// Safe from several threads.
class RecordIds {
public:
  // `clock` must outlive the object. The seed makes runs repeatable; without one it is random.
  explicit RecordIds(const Clock& clock);
  RecordIds(const Clock& clock, std::uint64_t seed);

  std::string next();

private:
  const Clock& clock_;
  std::mutex mutex_;
  std::mt19937_64 random_;
  std::uint64_t last_ = 0;  // milliseconds since 1970 and 12 bits that count within one
};

}  // namespace banyan::records
