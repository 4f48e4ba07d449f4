// decide(): who serves a request. Pure: the same arguments give the same answer, on every machine, for ever.
#pragma once

#include <cstdint>
#include <optional>

#include "migration/catalog/route_table.hpp"
#include "migration/catalog/subject.hpp"

namespace banyan::catalog {

struct Decision {
  ServedBy served_by = ServedBy::legacy;  // legacy, modern, or none (retired without a modern side: 410 Gone)
  std::uint32_t upstream = 0;             // unused for none
  std::optional<std::uint32_t> fallback;  // upstream to try if modern fails before its answer began
};

// `safe_method`: the HTTP method is safe (RFC 9110 section 9.2.1). A fallback is given only for what is safe to
// repeat: a safe method, or a function whose effect is `read`.
Decision decide(const Function& function, const Subject& subject, bool safe_method);

// The subject's place in [0, 100000) for a split. A subject is served by modern if its place is below
// percent x 1000, so that widening a split never moves anyone back. The seed comes from the entity (the name, if there
// is none): a subject's calls on one entity move together, and different entities do not pick the same people.
std::uint32_t split_place(std::uint64_t split_seed, std::uint64_t subject_hash);
std::uint64_t split_seed_of(const FunctionSpec& spec);

// Whether an answer of the modern side counts as "modern failed", so that the fallback answers: 500, 502, 503, 504.
bool is_modern_failure(int status);

}  // namespace banyan::catalog
