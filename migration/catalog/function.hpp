// The vocabulary of the catalog: what a function is, how to recognise it, where it stands.
// Plain data, filled from the settings file; route_table.hpp compiles it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace banyan::catalog {

// Where a function stands on its way out of the legacy system (docs/architecture.md, "Stages").
enum class Stage : std::uint8_t { legacy, shadow, canary, modern, retired };

// Who answered a request. `fallback`: modern failed and legacy answered instead. `none`: Banyan answered itself.
enum class ServedBy : std::uint8_t { legacy, modern, fallback, none };

// Whether a call only reads, and is therefore safe to repeat whatever its HTTP method (a JSON-RPC read is a POST).
enum class Effect : std::uint8_t { read, write };

std::string_view to_string(Stage stage);
std::string_view to_string(ServedBy served_by);
std::string_view to_string(Effect effect);

// How a text is compared. All comparisons are by bytes, case-sensitive; names of headers are compared without case.
struct TextPattern {
  enum class Kind : std::uint8_t {
    equals,   // the whole text
    prefix,   // the text begins with it
    glob,     // `*` stands for any run of characters, also none; `?` for one; no escapes
    present,  // any value, even an empty one; `text` is unused
  };
  Kind kind = Kind::equals;
  std::string text;

  bool operator==(const TextPattern&) const = default;
};

// One condition on one place of a request.
struct Predicate {
  enum class Source : std::uint8_t {
    query,         // key: parameter name; percent-decoded, `+` is a space
    header,        // key: field name; several fields of one name: any may match
    cookie,        // key: cookie name
    json_pointer,  // key: RFC 6901 pointer into a JSON body; strings as they are, numbers and literals as written
    json_rpc,      // the `method` of a JSON-RPC call; key unused
    form,          // key: field of an application/x-www-form-urlencoded body
    soap_action,   // SOAPAction header, or the action parameter of application/soap+xml; key unused
    xml_root,      // local name of the root element of an XML body; for a SOAP envelope, of the first child of Body
  };
  Source source = Source::header;
  std::string key;
  TextPattern pattern;

  bool operator==(const Predicate&) const = default;
};

// Whether the predicate can only be answered with the request body at hand.
bool needs_body(Predicate::Source source);

// One way to recognise a function: everything given must hold.
struct Match {
  std::vector<std::string> methods;  // empty: any method
  std::optional<std::string> host;   // lower case, no port; `*.example.com` for any subdomain; absent: any host
  std::string path;                  // template: "/a/{x}/b", "/a/{rest...}"; empty: any path
  std::vector<Predicate> predicates;
};

// Where a function's modern side is found.
struct ModernTarget {
  std::string upstream;
};

struct FunctionSpec {
  std::string name;               // "party.search"; unique
  std::vector<Match> matches;     // at least one; any of them recognises the function
  std::string entity;             // record type of the ontology; may be empty
  Effect effect = Effect::write;  // cautious default: not safe to repeat
  std::string record_ids;         // where a write names its records (record_ids.hpp); empty: it does not say
  std::string legacy = "legacy";  // upstream
  std::optional<ModernTarget> modern;
  Stage stage = Stage::legacy;  // `shadow` is refused until the shadow part exists
  double percent = 0;           // canary: share of subjects that modern serves, 0 to 100, steps of 0.001
};

// The name under which a request is counted that no function recognises. It is served by `legacy`.
inline constexpr std::string_view kUnmapped = "unmapped";

}  // namespace banyan::catalog
