#include "adapters/legacy/rest/wire_json.hpp"

#include <charconv>
#include <utility>
#include <vector>

#include "gateway/base/json_text.hpp"

namespace banyan::legacy::rest {
namespace {

constexpr char kBroken = '\xFF';
// U+FDD0, which is no character: stands for what is broken until it is parsed.
constexpr std::string_view kMark = "\xEF\xB7\x90";

// The code unit that "\uXXXX" at the front stands for.
std::optional<unsigned> escaped_unit(std::string_view text) {
  if (text.size() < 6 || !text.starts_with("\\u")) return std::nullopt;
  unsigned unit = 0;
  const auto [end, error] = std::from_chars(text.data() + 2, text.data() + 6, unit, 16);
  return error == std::errc() && end == text.data() + 6 ? std::optional(unit) : std::nullopt;
}

// How much at the front of a JSON text may stay as it is; 0: it is broken, up to `broken`.
std::size_t sound_length(std::string_view text, std::size_t& broken) {
  broken = 1;
  if (text.front() != '\\') return utf8_sequence_length(text);
  const auto unit = escaped_unit(text);
  if (!unit) return text.size() > 1 && static_cast<unsigned char>(text[1]) < 0x80 ? 2 : 1;
  if (*unit < 0xD800 || *unit > 0xDFFF) return 6;
  const auto second = escaped_unit(text.substr(6));
  if (*unit < 0xDC00 && second && *second >= 0xDC00 && *second <= 0xDFFF) return 12;
  broken = 6;
  return 0;
}

std::string with_marks(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    std::size_t broken = 0;
    const std::size_t sound = sound_length(text, broken);
    if (sound > 0) out += text.substr(0, sound);
    if (sound == 0) out += kMark;
    text.remove_prefix(sound > 0 ? sound : broken);
  }
  return out;
}

// Builds a document from nlohmann's parser events, whose parser does not recurse.
class Builder final : public nlohmann::json_sax<Json> {
public:
  Builder(std::size_t size, std::size_t depth, bool marked) : size_(size), depth_(depth), marked_(marked) {}

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(std::int64_t value) override { return add(value); }
  bool number_unsigned(std::uint64_t value) override { return add(value); }
  bool number_float(double /*value*/, const std::string& text) override { return add(raw_number(text)); }
  bool string(std::string& value) override {
    unmark(value);
    return add(std::move(value));
  }
  bool binary(Json::binary_t& /*value*/) override { return false; }
  bool start_object(std::size_t /*elements*/) override { return open(Json::object()); }
  bool start_array(std::size_t /*elements*/) override { return open(Json::array()); }
  bool key(std::string& name) override {
    unmark(name);
    key_ = std::move(name);
    return true;
  }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t position, const std::string& /*token*/, const Json::exception& /*error*/) override {
    const bool cut = position > size_;
    problem_ = (cut ? "it ends too early at byte " : "no JSON at byte ") + std::to_string(cut ? size_ : position);
    return false;
  }

  tl::expected<Json, std::string> result(bool whole) {
    if (!whole) return tl::unexpected(problem_.empty() ? "no JSON" : problem_);
    return std::move(root_);
  }

private:
  Json* add(Json&& value, bool /*opens*/) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Json& parent = *open_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    Json& place = parent[key_];
    place = std::move(value);
    return &place;
  }
  bool add(Json&& value) {
    add(std::move(value), false);
    return true;
  }
  bool open(Json&& value) {
    if (open_.size() >= depth_) {
      problem_ = "nested deeper than " + std::to_string(depth_) + " levels";
      return false;
    }
    open_.push_back(add(std::move(value), true));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }
  void unmark(std::string& text) const {
    if (!marked_) return;
    for (std::size_t at = text.find(kMark); at != std::string::npos; at = text.find(kMark, at + 1)) {
      text.replace(at, kMark.size(), 1, kBroken);
    }
  }

  std::size_t size_;  // of the text
  std::size_t depth_;
  bool marked_;
  Json root_;
  std::vector<Json*> open_;  // a parent does not grow while one of its children is open
  std::string key_;
  std::string problem_;
};

void append_text(std::string& out, const Json& value) {
  if (value.is_binary()) {
    const auto& bytes = value.get_binary();
    out.append(bytes.begin(), bytes.end());
  } else if (value.is_object()) {
    out += '{';
    for (auto item = value.begin(); item != value.end(); ++item) {
      if (item != value.begin()) out += ',';
      out += Json(item.key()).dump(-1, ' ', false, Json::error_handler_t::replace) + ':';
      append_text(out, item.value());
    }
    out += '}';
  } else if (value.is_array()) {
    out += '[';
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (i > 0) out += ',';
      append_text(out, value[i]);
    }
    out += ']';
  } else {
    out += value.dump(-1, ' ', false, Json::error_handler_t::replace);
  }
}

}  // namespace

tl::expected<Json, std::string> parse_wire(std::string_view text, std::size_t depth) {
  const auto parse = [depth](std::string_view from, bool is_marked) {
    Builder builder(from.size(), depth, is_marked);
    const bool whole = Json::sax_parse(from.begin(), from.end(), &builder);
    return builder.result(whole);
  };
  auto parsed = parse(text, false);
  if (parsed) return parsed;
  const std::string marked = with_marks(text);
  if (marked == text) return parsed;
  auto mended = parse(marked, true);
  return mended ? std::move(mended) : std::move(parsed);
}

bool is_broken_text(std::string_view text) {
  return text.find(kBroken) != std::string_view::npos;
}

std::optional<std::string> broken_text_in(const Json& document) {
  if (document.is_string()) {
    return is_broken_text(document.get_ref<const std::string&>()) ? std::optional<std::string>("") : std::nullopt;
  }
  if (!document.is_structured()) return std::nullopt;
  std::size_t position = 0;
  for (auto item = document.begin(); item != document.end(); ++item, ++position) {
    const std::string name = document.is_object() ? item.key() : std::to_string(position);
    const auto below = is_broken_text(name) ? std::optional<std::string>("") : broken_text_in(*item);
    if (below) return "/" + name + *below;
  }
  return std::nullopt;
}

std::string wire_text(const Json& value) {
  std::string out;
  append_text(out, value);
  return out;
}

Json raw_number(std::string_view text) {
  return Json::binary(std::vector<std::uint8_t>(text.begin(), text.end()));
}

std::optional<std::string> number_text(const Json& value) {
  if (value.is_binary()) return std::string(value.get_binary().begin(), value.get_binary().end());
  if (value.is_number()) return value.dump();
  return std::nullopt;
}

Json without_raw_numbers(const Json& value) {
  if (value.is_binary()) return *number_text(value);
  if (!value.is_structured()) return value;
  Json out = value.is_object() ? Json::object() : Json::array();
  for (auto item = value.begin(); item != value.end(); ++item) {
    if (value.is_object()) {
      out[item.key()] = without_raw_numbers(*item);
    } else {
      out.push_back(without_raw_numbers(*item));
    }
  }
  return out;
}

}  // namespace banyan::legacy::rest
