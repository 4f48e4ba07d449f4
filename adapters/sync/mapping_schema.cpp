#include "adapters/sync/mapping_schema.hpp"

#include <algorithm>
#include <charconv>
#include <functional>
#include <system_error>
#include <utility>

#include "gateway/base/yaml_scalars.hpp"

namespace banyan::sync {
namespace {

using yaml::choice;
using yaml::maybe;
using yaml::Node;
using yaml::object;
using yaml::Reader;
using yaml::text;

Json json_of_scalar(const Node& node) {
  const std::string_view scalar = node.scalar();
  if (node.is_quoted()) return std::string(scalar);
  if (scalar == "true" || scalar == "false") return scalar == "true";
  if (scalar == "null" || scalar == "~") return nullptr;
  if (const auto number = parse_integer(scalar)) return *number;
  double number = 0;
  const char* const end = scalar.data() + scalar.size();
  const auto [stopped, error] = std::from_chars(scalar.data(), end, number);
  const bool is_decimal = scalar.find_first_not_of("+-0123456789.eE") == std::string_view::npos;
  if (is_decimal && error == std::errc{} && stopped == end) return number;
  return std::string(scalar);
}

Reader<Json> any_value() {
  return {[](const Node& node, Json& out) { out = json_of(node); }, "any value", {}};
}

// A text, a number or a boolean.
Reader<Json> single_value() {
  auto read = [](const Node& node, Json& out) {
    Json value = json_of(node);
    if (!value.is_primitive() || value.is_null()) return node.fault(node.describe(), "a text, a number or a boolean");
    out = std::move(value);
  };
  return {read, "a text, a number or a boolean", {}};
}

// Texts that may be white space or empty.
Reader<std::string> raw_text(std::string what, std::size_t at_least) {
  return yaml::scalar<std::string>(std::move(what), [at_least](std::string_view text) -> std::optional<std::string> {
    return text.size() < at_least ? std::nullopt : std::optional(std::string(text));
  });
}

template <typename Entry>
Reader<Entry> placed(Reader<Entry> reader) {
  auto read = [inner = reader.read](const Node& node, Entry& out) {
    const std::size_t faults_before = node.faults_so_far();
    out.node = node;
    inner(node, out);
    out.faulty = node.faults_so_far() != faults_before;
  };
  return {std::move(read), reader.what, reader.keys};
}

template <typename Entry>
Reader<std::vector<Entry>> named_entries(Reader<Entry> reader) {
  return yaml::named(placed(std::move(reader)), [](Entry& entry, const std::string& key, const Node& node) {
    entry.name = key;
    entry.node = node;
  });
}

Reader<std::vector<NamedValue>> named_values(const Reader<Json>& value) {
  Reader<NamedValue> entry{
      [inner = value.read](const Node& node, NamedValue& out) { inner(node, out.value); }, value.what, {}};
  return named_entries(std::move(entry));
}

Reader<Policy> policy() {
  return choice<Policy>({{"newest", Policy::newest},
                         {"legacy", Policy::legacy},
                         {"modern", Policy::modern},
                         {"non_empty", Policy::non_empty},
                         {"review", Policy::review}});
}

Reader<Policy> delete_policy() {
  return choice<Policy>({{"legacy", Policy::legacy}, {"modern", Policy::modern}, {"review", Policy::review}});
}

Reader<Direction> direction() {
  return choice<Direction>(
      {{"both", Direction::both}, {"to_modern", Direction::to_modern}, {"to_legacy", Direction::to_legacy}});
}

Reader<Flow> flow() {
  return choice<Flow>(
      {{"both", Flow::both}, {"to_modern", Flow::to_modern}, {"to_legacy", Flow::to_legacy}, {"none", Flow::none}});
}

Reader<Absent> absent() {
  return choice<Absent>({{"empty", Absent::empty}, {"hold", Absent::hold}});
}

Reader<char> mark() {
  return yaml::scalar<char>("one character that is neither a digit nor a sign",
                            [](std::string_view text) -> std::optional<char> {
                              constexpr std::string_view kTaken = "0123456789+-";
                              const bool fits = text.size() == 1 && kTaken.find(text[0]) == std::string_view::npos;
                              return fits ? std::optional(text[0]) : std::nullopt;
                            });
}

Reader<TimePattern> pattern(std::string_view needed, std::string_view allowed, std::string what) {
  auto read = [=](const Node& node, TimePattern& out) {
    if (node.kind() != Node::Kind::scalar) return node.fault(node.describe(), what);
    auto compiled = TimePattern::compile(node.scalar());
    if (!compiled) return node.fault(compiled.error(), what);
    bool fits = compiled->has('Y') || compiled->has('y');
    for (const char directive : needed) fits = fits && compiled->has(directive);
    for (const char directive : std::string_view("HMSfz")) {
      fits = fits && (!compiled->has(directive) || allowed.find(directive) != std::string_view::npos);
    }
    fits = fits && (compiled->has('m') != compiled->has('b')) && !(compiled->has('Y') && compiled->has('y'));
    if (!fits) return node.fault(node.describe(), what);
    out = std::move(*compiled);
  };
  return {std::move(read), std::move(what), {}};
}

Reader<TimePattern> date_pattern() {
  return pattern("d", "", "a date pattern with %Y or %y, %m or %b, and %d, such as %d.%m.%Y");
}

Reader<TimePattern> time_pattern() {
  return pattern("dHM", "HMSfz", "a time pattern with a year, a month, %d, %H and %M, such as \"%F %T\"");
}

Reader<std::int32_t> offset() {
  return yaml::scalar<std::int32_t>("an offset from UTC such as +02:00",
                                    [](std::string_view text) -> std::optional<std::int32_t> {
                                      static const auto form = TimePattern::compile("%Y%m%d%H%M%z");
                                      const auto shifted = form->parse("200001010000" + std::string(text), 0);
                                      if (!shifted) return std::nullopt;
                                      constexpr std::int64_t kMidnight = 946'684'800;  // 2000-01-01
                                      return static_cast<std::int32_t>(kMidnight - *shifted / 1'000'000);
                                    });
}

Reader<LetterCase::To> letters() {
  using To = LetterCase::To;
  return choice<To>({{"as_is", To::as_is}, {"lower", To::lower}, {"upper", To::upper}});
}

// What a key of a transform makes.
template <typename From>
Reader<std::optional<Transform>> making(Reader<From> reader, std::function<Transform(From)> make) {
  return maybe(yaml::transform<From, Transform>(std::move(reader), std::move(make)));
}

template <typename T>
Reader<std::optional<Transform>> making(Reader<T> reader) {
  return making<T>(std::move(reader), [](T value) -> Transform { return value; });
}

Reader<Epoch> epoch() {
  return yaml::transform<std::int64_t, Epoch>(choice<std::int64_t>({{"s", 1'000'000}, {"ms", 1'000}, {"us", 1}}),
                                              [](std::int64_t micros) { return Epoch{micros}; });
}

Reader<Split> split() {
  const Reader<Split> whole = object<Split>("a split")
                                  .required("separator", &Split::separator, raw_text("a text between two elements", 1))
                                  .optional("quote", &Split::quote, text());
  auto read = [inner = whole.read](const Node& node, Split& out) {
    if (node.kind() != Node::Kind::scalar) return inner(node, out);
    out.separator = node.scalar();
    if (out.separator.empty()) node.fault(node.describe(), "a text between two elements");
  };
  return {std::move(read), "a text between two elements, or {separator, quote}", whole.keys};
}

Reader<DecimalText> decimal_text() {
  return object<DecimalText>("a decimal's form")
      .optional("point", &DecimalText::point, mark())
      .optional("group", &DecimalText::group, mark())
      .optional("digits", &DecimalText::digits, maybe(yaml::integer_of<std::uint32_t>(0, records::kMaxScale)))
      .check([](const Node& node, const DecimalText& form) {
        if (form.point == form.group) node.fault("one character for both", "a group mark other than the point");
      });
}

Reader<TimestampFormat> timestamp_format() {
  return object<TimestampFormat>("a time's form")
      .required(
          "pattern", [](TimestampFormat& out) -> TimePattern& { return out.pattern; }, time_pattern())
      .optional("offset", &TimestampFormat::offset_s, offset());
}

Reader<BooleanWords> boolean_words() {
  return object<BooleanWords>("the words of a boolean")
      .required("true", &BooleanWords::yes, yaml::one_or_many(single_value()))
      .required("false", &BooleanWords::no, yaml::one_or_many(single_value()))
      .check([](const Node& node, const BooleanWords& words) {
        for (const Json& word : words.yes) {
          if (std::ranges::find(words.no, word) != words.no.end()) {
            node.fault(word.dump() + " for both", "words of their own for true and for false");
          }
        }
      });
}

std::optional<Transform> transform_named(std::string_view word) {
  using To = LetterCase::To;
  if (word == "trim") return Trim{};
  if (word == "lower") return LetterCase{To::lower, To::as_is};
  if (word == "upper") return LetterCase{To::upper, To::as_is};
  if (word == "digits") return Digits{};
  if (word == "html_entities") return HtmlEntities{};
  if (word == "integer_text") return IntegerText{};
  if (word == "decimal_number") return DecimalNumber{};
  if (word == "percent") return Percent{};
  return std::nullopt;
}

Reader<TransformEntry> transform_schema() {
  const auto place = &TransformEntry::transform;
  const Reader<LetterCase> letter_case = object<LetterCase>("the case of letters")
                                             .optional("to_modern", &LetterCase::to_modern, letters())
                                             .optional("to_legacy", &LetterCase::to_legacy, letters());
  const Reader<Digits> digits = object<Digits>("digits").required("keep", &Digits::keep, text());
  const Reader<Replace> replace = object<Replace>("a replacement")
                                      .required("legacy", &Replace::legacy, text())
                                      .required("modern", &Replace::modern, text());
  const auto units = [](std::uint32_t count) -> Transform { return MinorUnits{count}; };
  const auto scale = [](std::uint32_t count) -> Transform { return DecimalText{'.', 0, count}; };
  const Reader<TransformEntry> keyed =
      object<TransformEntry>("a transform")
          .optional("case", place, making(letter_case))
          .optional("digits", place, making(digits))
          .optional("prefix", place,
                    making<std::string>(text(),
                                        [](std::string t) {
                                          return Affix{std::move(t), false};
                                        }))
          .optional("suffix", place,
                    making<std::string>(text(),
                                        [](std::string t) {
                                          return Affix{std::move(t), true};
                                        }))
          .optional("replace", place, making(replace))
          .optional("scale", place,
                    making<std::uint32_t>(yaml::integer_of<std::uint32_t>(0, records::kMaxScale), scale))
          .optional("decimal_text", place, making(decimal_text()))
          .optional("minor_units", place, making<std::uint32_t>(yaml::integer_of<std::uint32_t>(0, 9), units))
          .optional("epoch", place, making(epoch()))
          .optional("date_format", place,
                    making<TimePattern>(date_pattern(), [](TimePattern p) { return DateFormat{std::move(p)}; }))
          .optional("timestamp_format", place, making(timestamp_format()))
          .optional("boolean", place, making(boolean_words()))
          .optional("split", place, making(split()));
  auto read = [inner = keyed.read](const Node& node, TransformEntry& out) {
    out.node = node;
    if (node.kind() == Node::Kind::mapping) {
      if (node.entries().size() == 1) return inner(node, out);
      return node.fault("a mapping with " + std::to_string(node.entries().size()) + " keys",
                        "one transform in each element of the list");
    }
    out.transform = transform_named(node.scalar());
    if (out.transform) return;
    node.fault(node.describe(),
               "trim, lower, upper, digits, html_entities, integer_text, decimal_number or percent, or a mapping with "
               "one key such as {prefix: \"tel:\"}");
  };
  return {std::move(read), "a transform", keyed.keys};
}

Reader<bool> split_at() {
  return choice<bool>({{"first", false}, {"last", true}});
}

Reader<JoinEntry> join() {
  return object<JoinEntry>("how legacy fields join")
      .optional("separator", &JoinEntry::separator, raw_text("a text between two parts", 1))
      .optional("split_at", &JoinEntry::at_last, split_at());
}

Reader<PartEntry> part() {
  return object<PartEntry>("a part of a legacy field")
      .required("take", &PartEntry::takes_first, choice<bool>({{"first", true}, {"last", false}}))
      .optional("separator", &PartEntry::separator, raw_text("a text between the two parts", 1))
      .optional("split_at", &PartEntry::at_last, split_at());
}

Reader<DefaultEntry> defaults() {
  return object<DefaultEntry>("a default")
      .optional("to_modern", &DefaultEntry::to_modern, maybe(single_value()))
      .optional("to_legacy", &DefaultEntry::to_legacy, maybe(any_value()));
}

Reader<FieldEntry> field_schema() {
  const Reader<FieldEntry> whole =
      object<FieldEntry>("a field")
          .required("legacy", &FieldEntry::legacy, yaml::one_or_many(text()))
          .optional("direction", &FieldEntry::direction, maybe(direction()))
          .optional("conflict", &FieldEntry::conflict, maybe(policy()))
          .optional("transforms", &FieldEntry::transforms, yaml::one_or_many(transform_schema()))
          .optional("values", &FieldEntry::values, maybe(named_values(single_value())))
          .optional("to_legacy", &FieldEntry::to_legacy, named_values(single_value()))
          .optional("lookup", &FieldEntry::lookup, maybe(text()))
          .optional("type", &FieldEntry::type, maybe(text()))
          .optional("table", &FieldEntry::table, maybe(text()))
          .optional("as", &FieldEntry::as,
                    maybe(choice<As>({{"text", As::text}, {"number", As::number}, {"boolean", As::boolean}})))
          .optional("join", &FieldEntry::join, maybe(join()))
          .optional("part", &FieldEntry::part, maybe(part()))
          .optional("default", &FieldEntry::defaults, defaults())
          .optional("empty", &FieldEntry::empty, yaml::one_or_many(single_value()))
          .optional("absent", &FieldEntry::absent, maybe(absent()))
          .optional("required", &FieldEntry::required, maybe(yaml::boolean()))
          .optional("samples", &FieldEntry::samples, yaml::one_or_many(any_value()));
  auto read = [inner = whole.read](const Node& node, FieldEntry& out) {
    if (node.kind() != Node::Kind::scalar) return inner(node, out);
    text().read(node, out.legacy.emplace_back());
  };
  return {std::move(read), "the name of a legacy field, or a mapping with `legacy` and more", whole.keys};
}

Reader<TableEntry> table_schema() {
  return object<TableEntry>("a table")
      .required("type", &TableEntry::type, text())
      .required("key", &TableEntry::key, text())
      .optional("transforms", &TableEntry::transforms, yaml::one_or_many(transform_schema()));
}

Reader<ConstantsEntry> constants() {
  return object<ConstantsEntry>("constants")
      .optional("on_create", &ConstantsEntry::on_create, named_values(any_value()))
      .optional("always", &ConstantsEntry::always, named_values(any_value()))
      .optional("to_modern", &ConstantsEntry::to_modern, named_values(single_value()));
}

Reader<StreamEntry> stream_schema() {
  return object<StreamEntry>("an entity's mapping")
      .required("type", &StreamEntry::type, text())
      .optional("conflict", &StreamEntry::conflict, maybe(policy()))
      .optional("absent", &StreamEntry::absent, absent())
      .optional("creates", &StreamEntry::creates, flow())
      .optional("deletes", &StreamEntry::deletes, flow())
      .optional("delete_conflict", &StreamEntry::delete_conflict, delete_policy())
      .optional("match", &StreamEntry::match, yaml::list(yaml::one_or_many(text())))
      .optional("children", &StreamEntry::children, yaml::list(text()))
      .optional("scope", &StreamEntry::scope, any_value())
      .required("fields", &StreamEntry::fields, named_entries(field_schema()))
      .optional("constants", &StreamEntry::constants, constants())
      .check([](const Node& node, const StreamEntry& stream) {
        if (stream.fields.empty()) node.fault("no field", "at least one under `fields`");
      });
}

}  // namespace

Node Placed::at(std::string_view key) const {
  for (const auto& [name_of_child, child] : node->entries()) {
    if (name_of_child == key) return child;
  }
  return *node;
}

Json json_of(const Node& node) {
  switch (node.kind()) {
    case Node::Kind::null:
      return nullptr;
    case Node::Kind::scalar:
      return json_of_scalar(node);
    case Node::Kind::sequence: {
      Json list = Json::array();
      for (const Node& item : node.items()) list.push_back(json_of(item));
      return list;
    }
    case Node::Kind::mapping:
      break;
  }
  Json members = Json::object();
  for (const auto& [key, value] : node.entries()) members[key] = json_of(value);
  return members;
}

Reader<MappingFile> mapping_schema() {
  return object<MappingFile>("a mapping")
      .optional("conflict", &MappingFile::conflict, policy())
      .optional("tables", &MappingFile::tables, named_entries(table_schema()))
      .required("entities", &MappingFile::entities, named_entries(stream_schema()))
      .check([](const Node& node, const MappingFile& file) {
        if (file.entities.empty()) node.fault("no entity", "at least one under `entities`");
      });
}

}  // namespace banyan::sync
