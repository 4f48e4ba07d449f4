#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "adapters/sync/transforms_detail.hpp"

namespace banyan::sync::detail {
namespace {

constexpr std::string_view kSpace = " \t\r\n\f\v";

struct Entity {
  std::string_view name;
  std::uint32_t code;
};
// The entities that legacy systems are seen to write; the numeric forms are read as well.
constexpr std::array kEntities{
    Entity{"amp", '&'},     Entity{"lt", '<'},       Entity{"gt", '>'},       Entity{"quot", '"'},
    Entity{"apos", '\''},   Entity{"nbsp", 0xA0},    Entity{"copy", 0xA9},    Entity{"reg", 0xAE},
    Entity{"deg", 0xB0},    Entity{"szlig", 0xDF},   Entity{"auml", 0xE4},    Entity{"ouml", 0xF6},
    Entity{"uuml", 0xFC},   Entity{"Auml", 0xC4},    Entity{"Ouml", 0xD6},    Entity{"Uuml", 0xDC},
    Entity{"agrave", 0xE0}, Entity{"aacute", 0xE1},  Entity{"acirc", 0xE2},   Entity{"ccedil", 0xE7},
    Entity{"egrave", 0xE8}, Entity{"eacute", 0xE9},  Entity{"ecirc", 0xEA},   Entity{"euml", 0xEB},
    Entity{"iacute", 0xED}, Entity{"icirc", 0xEE},   Entity{"iuml", 0xEF},    Entity{"ntilde", 0xF1},
    Entity{"oacute", 0xF3}, Entity{"ocirc", 0xF4},   Entity{"uacute", 0xFA},  Entity{"ucirc", 0xFB},
    Entity{"euro", 0x20AC}, Entity{"ndash", 0x2013}, Entity{"mdash", 0x2014}, Entity{"hellip", 0x2026}};

void append_utf8(std::string& out, std::uint32_t code) {
  const auto byte = [&](std::uint32_t bits) { out += static_cast<char>(bits); };
  if (code < 0x80) return byte(code);
  if (code < 0x800) {
    byte(0xC0U | code >> 6U);
  } else {
    if (code < 0x10000) {
      byte(0xE0U | code >> 12U);
    } else {
      byte(0xF0U | code >> 18U);
      byte(0x80U | (code >> 12U & 0x3FU));
    }
    byte(0x80U | (code >> 6U & 0x3FU));
  }
  byte(0x80U | (code & 0x3FU));
}

// The character that an entity such as "amp" or "#039" names.
std::optional<std::uint32_t> code_of(std::string_view entity) {
  if (!entity.starts_with('#')) {
    const auto at = std::ranges::find(kEntities, entity, &Entity::name);
    return at == kEntities.end() ? std::nullopt : std::optional(at->code);
  }
  entity.remove_prefix(1);
  const bool is_hex = entity.starts_with('x') || entity.starts_with('X');
  if (is_hex) entity.remove_prefix(1);
  std::uint32_t code = 0;
  const char* const end = entity.data() + entity.size();
  const auto [stopped, error] = std::from_chars(entity.data(), end, code, is_hex ? 16 : 10);
  const bool is_character = code > 0 && code <= 0x10FFFF && !(code >= 0xD800 && code <= 0xDFFF);
  if (error != std::errc{} || stopped != end || !is_character) return std::nullopt;
  return code;
}

}  // namespace

bool trim(std::string& text) {
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string::npos) {
    text.clear();
    return true;
  }
  text.resize(text.find_last_not_of(kSpace) + 1);
  text.erase(0, first);
  return true;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

std::string decode_html(std::string_view text) {
  constexpr std::size_t kLongest = 10;
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t at = text.find('&');
    out += text.substr(0, at);
    if (at == std::string_view::npos) break;
    text.remove_prefix(at);
    const std::size_t end = text.substr(0, kLongest).find(';');
    const auto code = end == std::string_view::npos ? std::nullopt : code_of(text.substr(1, end - 1));
    if (code) {
      append_utf8(out, *code);
      text.remove_prefix(end + 1);
    } else {
      out += '&';
      text.remove_prefix(1);
    }
  }
  return out;
}

std::string encode_html(std::string_view text) {
  constexpr std::string_view kMarks = "&<>\"'";
  constexpr std::array<std::string_view, 5> kWritten{"&amp;", "&lt;", "&gt;", "&quot;", "&#039;"};
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const std::size_t at = kMarks.find(c);
    if (at == std::string_view::npos) {
      out += c;
    } else {
      out += kWritten.at(at);
    }
  }
  return out;
}

Json split_list(std::string_view text, const Split& split) {
  Json list = Json::array();
  while (!text.empty()) {
    const std::size_t end = text.find(split.separator);
    std::string element(text.substr(0, end));
    trim(element);
    const std::size_t quote = split.quote.size();
    if (element.size() >= 2 * quote && element.starts_with(split.quote) && element.ends_with(split.quote)) {
      element = element.substr(quote, element.size() - 2 * quote);
    }
    if (!element.empty()) list.push_back(std::move(element));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + split.separator.size());
  }
  return list;
}

std::optional<std::string> join_list(const Json& list, const Split& split) {
  std::string out;
  for (const Json& element : list) {
    if (!element.is_string()) return std::nullopt;
    const auto& text = element.get_ref<const std::string&>();
    const bool is_ambiguous = text.find(split.separator) != std::string::npos ||
                              (!split.quote.empty() && text.find(split.quote) != std::string::npos);
    if (is_ambiguous) return std::nullopt;
    if (!out.empty()) out += split.separator;
    out += split.quote + text + split.quote;
  }
  return out;
}

}  // namespace banyan::sync::detail
