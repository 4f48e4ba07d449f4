// The small parts of a description: templates, pointers, times, answers.
#include <algorithm>
#include <utility>

#include "adapters/legacy/rest/description_schema.hpp"
#include "gateway/base/yaml_scalars.hpp"

namespace banyan::legacy::rest::schema {
namespace {

using yaml::Node;
using yaml::Reader;

bool is_token_char(char c) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         kMarks.find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_token_char);
}

std::string places_text(const std::vector<std::string_view>& places) {
  if (places.empty()) return "no places in braces";
  std::string out = "the places";
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (i > 0) out += i + 1 == places.size() ? " and" : ",";
    out += " {" + std::string(places[i]) + "}";
  }
  return out;
}

}  // namespace

Node entry(const Node& mapping, std::string_view key) {
  for (const auto& [name, value] : mapping.entries()) {
    if (name == key) return value;
  }
  return mapping;
}

Reader<Template> template_text(std::string what, std::vector<std::string_view> places) {
  auto read = [what, places = std::move(places)](const Node& node, Template& out) {
    if (node.kind() != Node::Kind::scalar) return node.fault(node.describe(), what);
    auto parsed = Template::parse(node.scalar(), places);
    if (!parsed) return node.fault(parsed.error(), what + " with " + places_text(places));
    out = std::move(*parsed);
  };
  return {std::move(read), std::move(what), {}};
}

Reader<Template> path(std::vector<std::string_view> places) {
  const Reader<Template> text = template_text("a path such as /contacts", std::move(places));
  auto read = [text](const Node& node, Template& out) {
    const std::string_view value = node.scalar();
    const bool well_formed = value.starts_with('/') && value.find_first_of("?# ") == std::string_view::npos;
    if (node.kind() == Node::Kind::scalar && !well_formed) {
      return node.fault(node.describe(), "a path that begins with /, without a query",
                        value.find('?') == std::string_view::npos ? "" : "the query goes below the key query");
    }
    text.read(node, out);
  };
  return {std::move(read), text.what, {}};
}

Reader<std::vector<QueryParameter>> query(std::vector<std::string_view> places) {
  const Reader<Template> value = template_text("a text", std::move(places));
  auto read = [inner = value.read](const Node& node, QueryParameter& out) { inner(node, out.value); };
  Reader<QueryParameter> parameter{std::move(read), value.what, {}};
  return yaml::named(std::move(parameter),
                     [](QueryParameter& out, const std::string& name, const Node&) { out.name = name; });
}

Reader<Pointer> pointer() {
  return yaml::scalar<Pointer>("a JSON pointer such as /data/items, or \"\" for the whole",
                               [](std::string_view text) { return Pointer::parse(text); });
}

Reader<std::string> method() {
  return yaml::scalar<std::string>(
      "an HTTP method such as GET", [](std::string_view text) -> std::optional<std::string> {
        const bool good = !text.empty() && text.size() <= 16 &&
                          std::ranges::all_of(text, [](char c) { return (c >= 'A' && c <= 'Z') || c == '-'; });
        return good ? std::optional<std::string>(text) : std::nullopt;
      });
}

Reader<std::string> header_name() {
  return yaml::scalar<std::string>("the name of a header field", [](std::string_view text) {
    return is_token(text) ? std::optional<std::string>(text) : std::nullopt;
  });
}

Reader<AnswerRules> answer_rules() {
  const Reader<int> status = yaml::integer_of<int>(200, 599);
  const Reader<AnswerRule> mapping = yaml::object<AnswerRule>("an answer")
                                         .required("status", &AnswerRule::status, status)
                                         .optional("text", &AnswerRule::text, yaml::text());
  const std::string what = "a status such as 404, or {status: 500, text: \"duplicate\"}";
  auto read = [mapping, status, what](const Node& node, AnswerRule& out) {
    if (node.kind() == Node::Kind::mapping) return mapping.read(node, out);
    if (node.kind() == Node::Kind::scalar) return status.read(node, out.status);
    node.fault(node.describe(), what);
  };
  return yaml::one_or_many(Reader<AnswerRule>{std::move(read), what, mapping.keys});
}

Reader<Mark> mark(std::string what) {
  return yaml::object<Mark>(std::move(what))
      .required("at", &Mark::at, pointer())
      .required("is", &Mark::is, yaml::text());
}

Reader<TimeForm> time_name(bool of_day) {
  const std::string what = of_day ? "iso, epoch, epoch_ms or a pattern such as %d.%m.%Y"
                                  : "iso, epoch, epoch_ms or a pattern such as \"%Y-%m-%d %H:%M:%S\"";
  auto read = [what, of_day](const Node& node, TimeForm& out) {
    const std::string_view text = node.scalar();
    if (text == "iso") {
      out.kind = TimeForm::Kind::iso;
    } else if (text == "epoch") {
      out.kind = TimeForm::Kind::epoch_seconds;
    } else if (text == "epoch_ms") {
      out.kind = TimeForm::Kind::epoch_millis;
    } else if (text.find('%') == std::string_view::npos) {
      return node.fault(node.describe(), what);
    } else if (const std::string fault = pattern_fault(text, !of_day); !fault.empty()) {
      return node.fault("a pattern with " + fault, what, "places are %Y %m %d %H %M %S %f %z %b");
    } else {
      out.kind = TimeForm::Kind::pattern;
      out.pattern = text;
    }
  };
  return {std::move(read), what, {}};
}

Reader<std::chrono::minutes> utc_offset() {
  return yaml::scalar<std::chrono::minutes>(
      "an offset from UTC such as \"+02:00\"", [](std::string_view text) -> std::optional<std::chrono::minutes> {
        if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return std::nullopt;
        const auto hours = yaml::parse_unsigned(text.substr(1, 2));
        const auto minutes = yaml::parse_unsigned(text.substr(4, 2));
        if (!hours || !minutes || *hours > 14 || *minutes > 59) return std::nullopt;
        const std::chrono::minutes span(static_cast<int>(*hours * 60 + *minutes));
        return text[0] == '-' ? -span : span;
      });
}

Reader<std::chrono::microseconds> precision() {
  using std::chrono::microseconds;
  return yaml::choice<microseconds>({{"1us", microseconds(1)},
                                     {"1ms", microseconds(1'000)},
                                     {"10ms", microseconds(10'000)},
                                     {"100ms", microseconds(100'000)},
                                     {"1s", microseconds(1'000'000)},
                                     {"1m", microseconds(60'000'000)}});
}

}  // namespace banyan::legacy::rest::schema
