#include "migration/catalog/function.hpp"

namespace banyan::catalog {

std::string_view to_string(Stage stage) {
  switch (stage) {
    case Stage::legacy:
      return "legacy";
    case Stage::shadow:
      return "shadow";
    case Stage::canary:
      return "canary";
    case Stage::modern:
      return "modern";
    case Stage::retired:
      return "retired";
  }
  return "unknown";
}

std::string_view to_string(ServedBy served_by) {
  switch (served_by) {
    case ServedBy::legacy:
      return "legacy";
    case ServedBy::modern:
      return "modern";
    case ServedBy::fallback:
      return "fallback";
    case ServedBy::none:
      return "none";
  }
  return "unknown";
}

std::string_view to_string(Effect effect) {
  return effect == Effect::read ? "read" : "write";
}

bool needs_body(Predicate::Source source) {
  switch (source) {
    case Predicate::Source::json_pointer:
    case Predicate::Source::json_rpc:
    case Predicate::Source::form:
    case Predicate::Source::xml_root:
      return true;
    case Predicate::Source::query:
    case Predicate::Source::header:
    case Predicate::Source::cookie:
    case Predicate::Source::soap_action:
      return false;
  }
  return false;
}

}  // namespace banyan::catalog
