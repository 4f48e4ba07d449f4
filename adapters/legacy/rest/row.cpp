#include "adapters/legacy/rest/row.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "adapters/legacy/http_client.hpp"
#include "adapters/legacy/rest/fields.hpp"
#include "adapters/legacy/rest/wire_json.hpp"

namespace banyan::legacy::rest {
namespace {

constexpr std::size_t kLongestId = 512;
constexpr std::size_t kRawBytes = 1024;

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Close to the length of the JSON text, without making it.
std::size_t bytes_of(const Json& value) {
  if (value.is_string()) return value.get_ref<const std::string&>().size() + 2;
  if (value.is_binary()) return value.get_binary().size();
  if (!value.is_structured()) return 8;
  std::size_t bytes = 2;
  for (auto item = value.begin(); item != value.end(); ++item) {
    bytes += bytes_of(*item) + 1 + (value.is_object() ? item.key().size() + 3 : 0);
  }
  return bytes;
}

bool is_marked(const Mark& mark, const Json& item) {
  const Json* value = mark.at.find(item);
  const auto text = value == nullptr ? std::nullopt : scalar_text(*value);
  return text == mark.is;
}

// The beginning of the text of a value, without making all of it.
std::string raw_text(const Json& value) {
  if (bytes_of(value) <= 4 * kRawBytes) return excerpt(wire_text(value), kRawBytes);
  if (value.is_string()) return excerpt(value.get_ref<const std::string&>().substr(0, 2 * kRawBytes), kRawBytes);
  if (!value.is_object()) return "a value of about " + std::to_string(bytes_of(value)) + " bytes";
  std::string out = "{";
  for (auto item = value.begin(); item != value.end() && out.size() < kRawBytes; ++item) {
    const std::size_t bytes = bytes_of(*item);
    out += (out.size() > 1 ? "," : "") +
           Json(item.key().substr(0, 100)).dump(-1, ' ', true, Json::error_handler_t::replace);
    out += ":" + (bytes > 200 ? "(about " + std::to_string(bytes) + " bytes)" : wire_text(*item));
  }
  return excerpt(out + "}", kRawBytes);
}

void read_fields(const RestType& type, const Json& item, Row& row) {
  Json& fields = row.record.fields;
  if (type.fields.empty()) {
    fields = without_raw_numbers(item);
    return;
  }
  for (const FieldForm& field : type.fields) {
    const Json* value = field.at.find(item);
    if (value == nullptr) continue;
    auto read = from_wire(field, *value);
    if (!read) {
      row.problem = "field " + field.name + ": " + read.error();
      return;
    }
    fields[field.name] = std::move(*read);
  }
}

void read_stamps(const RestType& type, const Json& item, Row& row) {
  const auto moment_at = [&item, &row](const std::optional<StampForm>& form) -> std::optional<Moment> {
    const Json* value = form ? form->at.find(item) : nullptr;
    if (value == nullptr) return std::nullopt;
    const auto moment = stamp_from_wire(form->time, *value);
    if (!moment) row.problem = "stamp at " + form->at.text() + ": " + moment.error();
    return moment ? *moment : std::nullopt;
  };
  row.created = moment_at(type.created);
  const auto stamp = moment_at(type.stamp);
  if (!stamp) return;
  row.record.stamp = to_wall(*stamp);
  if (!row.record.stamp) row.problem = "a stamp far from our time: " + cursor_text(*stamp);
  row.record.cursor = {cursor_text(*stamp), row.record.id};
}

void read_version(const RestType& type, const Json& item, Row& row) {
  if (!type.version.at) {
    row.record.version = content_version(row.record.fields);
    return;
  }
  const Json* value = type.version.at->find(item);
  const auto text = value == nullptr ? std::nullopt : scalar_text(*value);
  const bool is_sound = text && text->find('\0') == std::string::npos;
  if (is_sound) row.record.version = *text;
  if (!text) row.problem = "no version at " + type.version.at->text();
  if (text && !is_sound) row.problem = "a version with a NUL at " + type.version.at->text();
}

}  // namespace

std::optional<std::string> id_from_wire(const IdForm& form, const Json& value) {
  auto text = value.is_boolean() ? std::nullopt : scalar_text(value);
  if (!text || !is_id(form, *text)) return std::nullopt;
  return text;
}

bool is_id(const IdForm& form, std::string_view text) {
  if (form.number) {
    const auto number = whole_number(text);
    return number && std::to_string(*number) == text;
  }
  const bool clean =
      std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }) &&
      !is_broken_text(text);
  return !text.empty() && text.size() <= kLongestId && text != "." && text != ".." && clean;
}

Json id_to_wire(const IdForm& form, const std::string& id) {
  const auto number = form.number ? whole_number(id) : std::nullopt;
  return number ? Json(*number) : Json(id);
}

int compare_ids(const IdForm& form, const std::string& a, const std::string& b) {
  if (form.number) {
    const auto x = whole_number(a);
    const auto y = whole_number(b);
    if (x && y) return *x < *y ? -1 : *x > *y ? 1 : 0;
  }
  return a.compare(b);
}

std::string content_version(const Json& fields) {
  // FNV-1a, 64 bits: it finds edits, and nobody gains by making two contents alike.
  std::uint64_t hash = 14'695'981'039'346'656'037ULL;
  for (const char c : wire_text(fields)) hash = (hash ^ static_cast<unsigned char>(c)) * 1'099'511'628'211ULL;
  std::array<char, 16> digits{};
  for (std::size_t i = 0; i < digits.size(); ++i) digits[i] = "0123456789abcdef"[(hash >> (60 - 4 * i)) & 15U];
  return {digits.begin(), digits.end()};
}

Row unreadable_row(const Json& item, std::string problem) {
  Row row;
  row.problem = std::move(problem);
  row.record.fields = {{"raw", raw_text(item)}};
  return row;
}

Row read_row(const RestDescription& description, const RestType& type, const Json& item) {
  if (!item.is_object()) return unreadable_row(item, found(item) + " where a record was expected");
  Row row;
  const Json* id = type.id.at.find(item);
  const auto id_text = id == nullptr ? std::nullopt : id_from_wire(type.id, *id);
  if (!id_text) {
    const std::string expected = type.id.number ? "a whole number" : "a text";
    return unreadable_row(item, "no id at " + type.id.at.text() + ": " + (id == nullptr ? "nothing" : found(*id)) +
                                    " where " + expected + " was expected");
  }
  row.record.id = *id_text;
  if (const std::size_t bytes = bytes_of(item); bytes > description.record_bytes) {
    row.problem = "a record of about " + std::to_string(bytes) + " bytes; at most " +
                  std::to_string(description.record_bytes) + " are read";
  }
  if (const auto at = row.problem.empty() ? broken_text_in(item) : std::nullopt) {
    row.problem = "a text that is not UTF-8 at " + excerpt(*at, 200);
  }
  read_stamps(type, item, row);
  if (row.problem.empty()) {
    row.record.deleted = type.deleted && is_marked(*type.deleted, item);
    row.record.by_us = type.author && is_marked(*type.author, item);
    const Json* merged = type.merged_into ? type.merged_into->find(item) : nullptr;
    if (merged != nullptr) row.record.merged_into = id_from_wire(type.id, *merged).value_or("");
    if (!row.record.deleted) read_fields(type, item, row);
  }
  if (row.problem.empty()) read_version(type, item, row);
  if (!row.problem.empty()) row.record.fields = {{"raw", raw_text(item)}};
  if (row.record.deleted) row.record.fields = Json::object();
  return row;
}

tl::expected<void, std::string> put_fields(const RestType& type, const Json& fields, Json& object) {
  for (auto item = fields.begin(); item != fields.end(); ++item) {
    if (type.fields.empty()) {
      object[item.key()] = *item;
      continue;
    }
    const auto field = std::ranges::find(type.fields, item.key(), &FieldForm::name);
    if (field == type.fields.end()) return tl::unexpected(type.name + " has no field " + item.key());
    if (field->read_only) return tl::unexpected("field " + item.key() + " of " + type.name + " is read-only");
    auto value = to_wire(*field, *item);
    if (!value) return tl::unexpected("field " + item.key() + " of " + type.name + ": " + value.error());
    if (!field->at.put(object, std::move(*value))) {
      return tl::unexpected("field " + item.key() + " of " + type.name + ": " + field->at.text() +
                            " has no place in the record");
    }
  }
  return {};
}

}  // namespace banyan::legacy::rest
