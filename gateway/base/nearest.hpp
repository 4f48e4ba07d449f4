// nearest(): the known word that a mistyped one most likely meant.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace banyan {

// Number of single-byte insertions, deletions, replacements and swaps of neighbours that turn one word into the other
// (optimal string alignment: no part of the word is edited twice).
std::size_t edit_distance(std::string_view a, std::string_view b);

// The known word closest to `word`, or nothing if none is close enough to be a slip of the hand: at most one edit per
// three bytes of the longer word, and at least one. Among equally close words the first wins. Words longer than 64
// bytes have no nearest: no key is that long.
std::optional<std::string> nearest(std::string_view word, std::span<const std::string> known);

}  // namespace banyan
