#include "migration/catalog/text_pattern.hpp"

#include <algorithm>
#include <vector>

namespace banyan::catalog {
namespace {

constexpr std::string_view kWildcards = "*?";

// One unit of a pattern: a byte that stands for itself, or a wildcard.
struct Token {
  enum class Kind { byte, any_byte, any_run };
  Kind kind = Kind::byte;
  char byte = 0;
};

std::vector<Token> tokens_of(const TextPattern& pattern) {
  std::vector<Token> tokens;
  for (const char c : pattern.text) {
    if (pattern.kind == TextPattern::Kind::glob && c == '*') {
      tokens.push_back({Token::Kind::any_run, 0});
    } else if (pattern.kind == TextPattern::Kind::glob && c == '?') {
      tokens.push_back({Token::Kind::any_byte, 0});
    } else {
      tokens.push_back({Token::Kind::byte, c});
    }
  }
  if (pattern.kind == TextPattern::Kind::prefix) tokens.push_back({Token::Kind::any_run, 0});
  return tokens;
}

bool can_meet(const Token& a, const Token& b) {
  return a.kind == Token::Kind::any_byte || b.kind == Token::Kind::any_byte || a.byte == b.byte;
}

}  // namespace

PatternForm form_of(const TextPattern& pattern) {
  PatternForm form;
  if (pattern.kind == TextPattern::Kind::present) return form;
  const bool is_glob = pattern.kind == TextPattern::Kind::glob;
  const std::size_t first = is_glob ? pattern.text.find_first_of(kWildcards) : std::string::npos;
  form.prefix = pattern.text.substr(0, first);
  if (pattern.kind == TextPattern::Kind::equals || (is_glob && first == std::string::npos)) {
    form.kind = PatternForm::Kind::equals;
    return form;
  }
  form.kind = PatternForm::Kind::affix;
  form.literal_bytes = form.prefix.size();
  if (!is_glob) return form;
  const std::size_t last = pattern.text.find_last_of(kWildcards);
  form.suffix = pattern.text.substr(last + 1);
  if (first != last || pattern.text[first] == '?') form.residual = pattern.text;
  form.literal_bytes = static_cast<std::size_t>(std::count_if(
      pattern.text.begin(), pattern.text.end(), [](char c) { return kWildcards.find(c) == std::string_view::npos; }));
  return form;
}

bool glob_matches(std::string_view glob, std::string_view text) {
  std::size_t g = 0;
  std::size_t t = 0;
  std::size_t run_start = std::string_view::npos;  // position of the last `*`: where to resume
  std::size_t run_end = 0;                         // how far in the text that `*` reaches
  while (t < text.size()) {
    if (g < glob.size() && glob[g] == '*') {
      run_start = g++;
      run_end = t;
    } else if (g < glob.size() && (glob[g] == '?' || glob[g] == text[t])) {
      ++g;
      ++t;
    } else if (run_start != std::string_view::npos) {
      g = run_start + 1;
      t = ++run_end;
    } else {
      return false;
    }
  }
  return glob.find_first_not_of('*', g) == std::string_view::npos;
}

bool matches(const TextPattern& pattern, std::string_view text) {
  switch (pattern.kind) {
    case TextPattern::Kind::equals:
      return text == pattern.text;
    case TextPattern::Kind::prefix:
      return text.starts_with(pattern.text);
    case TextPattern::Kind::glob:
      return glob_matches(pattern.text, text);
    case TextPattern::Kind::present:
      return true;
  }
  return false;
}

bool can_overlap(const TextPattern& a, const TextPattern& b) {
  if (a.kind == TextPattern::Kind::present || b.kind == TextPattern::Kind::present) return true;
  const std::vector<Token> left = tokens_of(a);
  const std::vector<Token> right = tokens_of(b);
  // reachable[j]: some text is spelled by the first i tokens of `left` and the first j of `right`.
  std::vector<bool> reachable(right.size() + 1, false);
  reachable[0] = true;
  const auto skip_runs = [&](std::vector<bool>& row, bool left_is_run) {
    for (std::size_t j = 0; j < right.size(); ++j) {
      if (row[j] && (left_is_run || right[j].kind == Token::Kind::any_run)) row[j + 1] = true;
    }
  };
  skip_runs(reachable, false);
  for (const Token& token : left) {
    const bool run = token.kind == Token::Kind::any_run;
    std::vector<bool> next(right.size() + 1, false);
    for (std::size_t j = 0; j <= right.size(); ++j) {
      if (!reachable[j]) continue;
      if (run) next[j] = true;  // the run is empty
      if (j == right.size() || run) continue;
      if (right[j].kind == Token::Kind::any_run) {
        next[j] = true;  // the run of `right` takes this token
      } else if (can_meet(token, right[j])) {
        next[j + 1] = true;
      }
    }
    skip_runs(next, run);
    reachable = std::move(next);
  }
  return reachable[right.size()];
}

}  // namespace banyan::catalog
