// What the REST adapter reads from an answer: JSON keeps its text, times keep their moment, a record goes out as it
// came in, and all of it is text that can be stored. What it reads from a description: all, or each fault with its
// place.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "adapters/legacy/rest/fields.hpp"
#include "adapters/legacy/rest/link_header.hpp"
#include "adapters/legacy/rest/pointer.hpp"
#include "adapters/legacy/rest/row.hpp"
#include "adapters/legacy/rest/time_form.hpp"
#include "adapters/legacy/rest/wire_json.hpp"

namespace {

using namespace banyan::legacy::rest;

void require(bool condition) {
  if (!condition) std::abort();
}

void check_time(std::string_view text) {
  for (const auto kind : {TimeForm::Kind::iso, TimeForm::Kind::epoch_seconds, TimeForm::Kind::epoch_millis}) {
    TimeForm form;
    form.kind = kind;
    form.precision = std::chrono::microseconds(kind == TimeForm::Kind::epoch_millis ? 1'000 : 1);
    const auto moment = parse_time(form, text);
    if (!moment) continue;
    // Reading gives what writing says. A zone can carry a moment out of the years that are written.
    const std::string written = format_time(form, *moment);
    const auto again = parse_time(form, written);
    require(!again || format_time(form, *again) == written);
  }
}

const RestDescription& description() {
  static const auto parsed = parse_rest_description(
      "base_url: http://h\n"
      "types:\n"
      "  t:\n"
      "    id: {at: /id, form: text}\n"
      "    stamp: {at: /u}\n"
      "    deleted: {at: /x, is: true}\n"
      "    fields: {a: {type: decimal}, b: {type: date}, c: {type: boolean}, d: {}, e: {type: integer}}\n"
      "    list: {path: /t}\n"
      "    get: {path: \"/t/{id}\"}\n",
      "fuzz.yaml", ".");
  require(parsed.has_value());
  return *parsed;
}

void check_description(const std::string& text) {
  const auto parsed = parse_rest_description(text, "r.yaml", ".");
  if (parsed) {
    require(!parsed->types.empty());
    return;
  }
  require(!parsed.error().empty());
  for (const Fault& fault : parsed.error()) {
    require(fault.file == "r.yaml" && !fault.found.empty());
    require(fault.line > 0 || fault.path.empty());
  }
}

void check_row(const Json& item) {
  const RestType& type = description().types.front();
  const Row row = read_row(description(), type, item);
  // dump() throws for what is no UTF-8.
  require(!Json(row.record.id).dump().empty() && !Json(row.problem).dump().empty());
  require(!row.record.fields.dump().empty());
  require(row.problem.empty() || row.record.fields.contains("raw"));
  if (!row.problem.empty()) return;
  require(is_id(type.id, row.record.id));
  require(!row.record.deleted || row.record.fields.empty());
  Json sent = {{"id", id_to_wire(type.id, row.record.id)}};
  require(put_fields(type, row.record.fields, sent).has_value());
  const auto answered = parse_wire(wire_text(sent));
  require(answered.has_value());
  const Row again = read_row(description(), type, *answered);
  require(again.problem.empty() && again.record.fields == row.record.fields);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  if (text.starts_with("base_url")) {
    check_description(text);
    return 0;
  }
  if (const auto parsed = parse_wire(text)) {
    const std::string written = wire_text(*parsed);
    const auto again = parse_wire(written);
    require(again && wire_text(*again) == written);
    check_row(*parsed);
  }
  check_time(text);
  if (const auto target = link_target(text, "next")) resolve_target("https://h/a/b?c", *target);
  if (const auto pointer = Pointer::parse(text)) require(pointer->text() == text);
  if (const auto plain = plain_decimal(text)) require(plain_decimal(*plain) == plain);
  return 0;
}
