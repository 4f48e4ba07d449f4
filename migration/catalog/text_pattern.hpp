// How a TextPattern is compared, ranked and indexed.
//
// Every pattern is reduced to literal text at its beginning, literal text at its end, and what is left between. A hash
// table can look up the first two; only what is left needs a comparison per pattern.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "migration/catalog/function.hpp"

namespace banyan::catalog {

struct PatternForm {
  enum class Kind { equals, affix, present };
  Kind kind = Kind::present;
  std::string prefix;             // equals: the whole text
  std::string suffix;             // affix only; a text must be as long as prefix and suffix together
  std::string residual;           // affix only: the whole glob, if prefix and suffix do not tell everything
  std::size_t literal_bytes = 0;  // affix: bytes of the pattern that stand for themselves
};

// A glob without wildcards is `equals`, one that ends in its only `*` is a prefix.
PatternForm form_of(const TextPattern& pattern);

bool matches(const TextPattern& pattern, std::string_view text);

// `*` stands for any run of bytes, `?` for one. Time at most proportional to the product of both lengths.
bool glob_matches(std::string_view glob, std::string_view text);

// Whether some text matches both patterns.
bool can_overlap(const TextPattern& a, const TextPattern& b);

}  // namespace banyan::catalog
