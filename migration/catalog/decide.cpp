#include "migration/catalog/decide.hpp"

#include <xxhash.h>

#include <array>
#include <cmath>
#include <string_view>

namespace banyan::catalog {
namespace {

constexpr std::uint32_t kPlaces = 100'000;
constexpr double kPlacesPerPercent = 1'000;

Decision by_legacy(const Function& function) {
  return {ServedBy::legacy, function.legacy_upstream, std::nullopt};
}

Decision by_modern(const Function& function, bool may_fall_back) {
  Decision decision{ServedBy::modern, *function.modern_upstream, std::nullopt};
  if (may_fall_back) decision.fallback = function.legacy_upstream;
  return decision;
}

bool is_in_split(const Function& function, const Subject& subject) {
  const auto width = std::llround(function.spec.percent * kPlacesPerPercent);
  return split_place(function.split_seed, subject.hash) < width;
}

}  // namespace

Decision decide(const Function& function, const Subject& subject, bool safe_method) {
  const bool has_modern = function.modern_upstream.has_value();
  const bool may_fall_back = safe_method || function.spec.effect == Effect::read;
  switch (function.spec.stage) {
    case Stage::legacy:
    case Stage::shadow:
      return by_legacy(function);
    case Stage::canary:
      return has_modern && is_in_split(function, subject) ? by_modern(function, may_fall_back) : by_legacy(function);
    case Stage::modern:
      return has_modern ? by_modern(function, may_fall_back) : by_legacy(function);
    case Stage::retired:
      return has_modern ? by_modern(function, false) : Decision{ServedBy::none, 0, std::nullopt};
  }
  return by_legacy(function);
}

std::uint32_t split_place(std::uint64_t split_seed, std::uint64_t subject_hash) {
  std::array<unsigned char, 8> bytes{};  // little-endian on every machine: places are kept for ever
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<unsigned char>(subject_hash >> (8 * i));
  return static_cast<std::uint32_t>(XXH3_64bits_withSeed(bytes.data(), bytes.size(), split_seed) % kPlaces);
}

std::uint64_t split_seed_of(const FunctionSpec& spec) {
  const std::string_view shared = spec.entity.empty() ? spec.name : spec.entity;
  return XXH3_64bits(shared.data(), shared.size());
}

bool is_modern_failure(int status) {
  return status == 500 || status == 502 || status == 503 || status == 504;
}

}  // namespace banyan::catalog
