#include "adapters/legacy/rest/template_text.hpp"

#include <algorithm>

namespace banyan::legacy::rest {
namespace {

const std::string* value_of(const Template::Values& values, std::string_view name) {
  const auto found = std::ranges::find_if(values, [name](const auto& value) { return value.first == name; });
  return found == values.end() ? nullptr : &found->second;
}

}  // namespace

tl::expected<Template, std::string> Template::parse(std::string_view text, std::span<const std::string_view> known) {
  Template out;
  out.text_ = text;
  std::string fixed;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool doubled = i + 1 < text.size() && text[i + 1] == c;
    if ((c == '{' || c == '}') && doubled) {
      fixed += c;
      ++i;
    } else if (c == '}') {
      return tl::unexpected<std::string>("a } without its {");
    } else if (c == '{') {
      const std::size_t end = text.find('}', i);
      if (end == std::string_view::npos) return tl::unexpected<std::string>("a { without its }");
      const std::string_view name = text.substr(i + 1, end - i - 1);
      if (std::ranges::find(known, name) == known.end()) {
        return tl::unexpected("{" + std::string(name) + "}, which has no meaning here");
      }
      if (!fixed.empty()) out.pieces_.push_back({std::move(fixed), false});
      fixed.clear();
      out.pieces_.push_back({std::string(name), true});
      i = end;
    } else {
      fixed += c;
    }
  }
  if (!fixed.empty()) out.pieces_.push_back({std::move(fixed), false});
  return out;
}

std::string Template::fill(const Values& values) const {
  std::string out;
  for (const Piece& piece : pieces_) {
    if (!piece.is_place) {
      out += piece.text;
    } else if (const std::string* value = value_of(values, piece.text)) {
      out += *value;
    }
  }
  return out;
}

std::string Template::fill_path(const Values& values) const {
  std::string out;
  for (const Piece& piece : pieces_) {
    if (!piece.is_place) {
      out += percent_encoded(piece.text, "/%@:!$&'()*+,;=");
    } else if (const std::string* value = value_of(values, piece.text)) {
      out += percent_encoded(*value);
    }
  }
  return out;
}

bool Template::uses(std::string_view name) const {
  return std::ranges::any_of(pieces_, [name](const Piece& piece) { return piece.is_place && piece.text == name; });
}

std::string percent_encoded(std::string_view text, std::string_view also_kept) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    const std::string_view unreserved = "-._~";
    if (letter || unreserved.find(c) != std::string_view::npos || also_kept.find(c) != std::string_view::npos) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kHex[byte >> 4U];
    out += kHex[byte & 15U];
  }
  return out;
}

}  // namespace banyan::legacy::rest
