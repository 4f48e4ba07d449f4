// A text matches a pattern exactly if a table of all ways to spell it says so; ranks and indexes must not disagree.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "migration/catalog/text_pattern.hpp"

namespace {

using banyan::catalog::PatternForm;
using banyan::catalog::TextPattern;

constexpr std::size_t kLongest = 256;  // the table is quadratic

void require(bool condition) {
  if (!condition) std::abort();
}

// Whether the first g bytes of the glob spell the first t bytes of the text, for every g and t by definition.
bool glob_by_table(std::string_view glob, std::string_view text) {
  std::vector<std::vector<bool>> spells(glob.size() + 1, std::vector<bool>(text.size() + 1, false));
  spells[0][0] = true;
  for (std::size_t g = 1; g <= glob.size(); ++g) {
    const char wanted = glob[g - 1];
    for (std::size_t t = 0; t <= text.size(); ++t) {
      if (wanted == '*') {
        spells[g][t] = spells[g - 1][t] || (t > 0 && spells[g][t - 1]);
      } else {
        spells[g][t] = t > 0 && spells[g - 1][t - 1] && (wanted == '?' || wanted == text[t - 1]);
      }
    }
  }
  return spells[glob.size()][text.size()];
}

bool by_definition(const TextPattern& pattern, std::string_view text) {
  switch (pattern.kind) {
    case TextPattern::Kind::equals:
      return text == pattern.text;
    case TextPattern::Kind::prefix:
      return text.substr(0, pattern.text.size()) == pattern.text;
    case TextPattern::Kind::glob:
      return glob_by_table(pattern.text, text);
    case TextPattern::Kind::present:
      return true;
  }
  return false;
}

// What an index makes of the pattern.
bool by_form(const TextPattern& pattern, std::string_view text) {
  const PatternForm form = banyan::catalog::form_of(pattern);
  if (form.kind == PatternForm::Kind::present) return true;
  if (form.kind == PatternForm::Kind::equals) return text == form.prefix;
  if (text.size() < form.prefix.size() + form.suffix.size()) return false;
  if (!text.starts_with(form.prefix) || !text.ends_with(form.suffix)) return false;
  return form.residual.empty() || glob_by_table(form.residual, text);
}

TextPattern pattern_from(unsigned choice, std::string_view text) {
  constexpr TextPattern::Kind kKinds[] = {TextPattern::Kind::glob, TextPattern::Kind::prefix, TextPattern::Kind::equals,
                                          TextPattern::Kind::present};
  TextPattern pattern;
  pattern.kind = kKinds[choice % 4];
  pattern.text = text;
  return pattern;
}

std::string_view take_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  const std::string_view line = rest.substr(0, end).substr(0, kLongest);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return line;
}

}  // namespace

// A byte that chooses the kinds of two patterns, the patterns on a line each, and a text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view rest(reinterpret_cast<const char*>(data + 1), size - 1);
  const TextPattern a = pattern_from(data[0], take_line(rest));
  const TextPattern b = pattern_from(data[0] / 4U, take_line(rest));
  const std::string_view text = rest.substr(0, kLongest);
  for (const TextPattern* pattern : {&a, &b}) {
    const bool expected = by_definition(*pattern, text);
    require(banyan::catalog::matches(*pattern, text) == expected);
    require(by_form(*pattern, text) == expected);
    require(banyan::catalog::can_overlap(*pattern, *pattern));
  }
  const bool overlap = banyan::catalog::can_overlap(a, b);
  require(overlap == banyan::catalog::can_overlap(b, a));
  require(overlap || !banyan::catalog::matches(a, text) || !banyan::catalog::matches(b, text));
  return 0;
}
