#include "adapters/legacy/rest/wire_json.hpp"

#include <utility>
#include <vector>

namespace banyan::legacy::rest {
namespace {

// Builds a document from nlohmann's parser events, whose parser does not recurse.
class Builder final : public nlohmann::json_sax<Json> {
public:
  Builder(std::size_t size, std::size_t depth) : size_(size), depth_(depth) {}

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(std::int64_t value) override { return add(value); }
  bool number_unsigned(std::uint64_t value) override { return add(value); }
  bool number_float(double /*value*/, const std::string& text) override { return add(raw_number(text)); }
  bool string(std::string& value) override { return add(std::move(value)); }
  bool binary(Json::binary_t& /*value*/) override { return false; }
  bool start_object(std::size_t /*elements*/) override { return open(Json::object()); }
  bool start_array(std::size_t /*elements*/) override { return open(Json::array()); }
  bool key(std::string& name) override {
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

  std::size_t size_;  // of the text
  std::size_t depth_;
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
      out += Json(item.key()).dump() + ':';
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
  Builder builder(text.size(), depth);
  const bool whole = Json::sax_parse(text.begin(), text.end(), &builder);
  return builder.result(whole);
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
