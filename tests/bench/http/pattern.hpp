// Bodies that can be checked completely: byte i of the body of a token is a fixed function of both, so that any part of
// any body can be written and verified alone, and no two tokens share a body.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace banyan::load {

// The finaliser of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
inline std::uint64_t mix(std::uint64_t value) {
  value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31U);
}

// Calls visit(offset in the part, word bytes) for the pattern bytes [offset, offset + size), up to eight at a time,
// until it returns false; false if it did.
template <typename Visit>
bool each_pattern_word(std::uint64_t token, std::uint64_t offset, std::size_t size, Visit visit) {
  std::size_t done = 0;
  while (done < size) {
    const std::uint64_t at = offset + done;
    const std::uint64_t word = mix(token + (at / 8 + 1) * 0x9e3779b97f4a7c15U);
    const std::size_t skip = at % 8;
    const std::size_t count = std::min<std::size_t>(8 - skip, size - done);
    char bytes[8];
    std::memcpy(bytes, &word, sizeof word);
    if (!visit(done, std::string_view(bytes + skip, count))) return false;
    done += count;
  }
  return true;
}

inline void append_pattern(std::string& out, std::uint64_t token, std::uint64_t offset, std::size_t size) {
  const std::size_t begin = out.size();
  out.resize(begin + size);
  each_pattern_word(token, offset, size, [&](std::size_t at, std::string_view word) {
    word.copy(out.data() + begin + at, word.size());
    return true;
  });
}

inline bool matches_pattern(std::string_view bytes, std::uint64_t token, std::uint64_t offset) {
  return each_pattern_word(token, offset, bytes.size(), [&](std::size_t at, std::string_view word) {
    return std::memcmp(bytes.data() + at, word.data(), word.size()) == 0;
  });
}

}  // namespace banyan::load
