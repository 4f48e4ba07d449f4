// Texts with places to fill in: "/contacts/{id}", "updated_at__gte={stamp}".
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

namespace banyan::legacy::rest {

class Template {
public:
  using Values = std::vector<std::pair<std::string_view, std::string>>;

  Template() = default;
  // "{{" and "}}" stand for braces. The error says what is wrong: a brace that does not close, a name not in `known`.
  static tl::expected<Template, std::string> parse(std::string_view text, std::span<const std::string_view> known);

  // Places without a value become empty.
  std::string fill(const Values& values) const;
  // The same; values and fixed text are percent-encoded, the slashes of the fixed text and percent signs in it kept.
  std::string fill_path(const Values& values) const;

  bool uses(std::string_view name) const;
  const std::string& text() const { return text_; }

private:
  struct Piece {
    std::string text;  // fixed text, or the name of a place
    bool is_place = false;
  };
  std::string text_;
  std::vector<Piece> pieces_;
};

// All but unreserved characters (RFC 3986 section 2.3) as %XX.
std::string percent_encoded(std::string_view text, std::string_view also_kept = {});

}  // namespace banyan::legacy::rest
