// The words for the enumerations of sync, as the API, the logs and the tables show them.
#include "adapters/sync/sync_store.hpp"

namespace banyan::sync {

std::string_view to_string(Owner owner) {
  switch (owner) {
    case Owner::legacy:
      return "legacy";
    case Owner::modern:
      return "modern";
    case Owner::both:
      break;
  }
  return "both";
}

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::applied:
      return "applied";
    case Outcome::superseded:
      return "superseded";
    case Outcome::echo:
      return "echo";
    case Outcome::conflict:
      return "conflict";
    case Outcome::dead_letter:
      return "dead_letter";
    case Outcome::in_flight:
      break;
  }
  return "in_flight";
}

std::string_view to_string(Via via) {
  switch (via) {
    case Via::feed:
      return "feed";
    case Via::observed:
      return "observed";
    case Via::scan:
      return "scan";
    case Via::retry:
      return "retry";
    case Via::verify:
      break;
  }
  return "verify";
}

std::string_view to_string(Parked::Kind kind) {
  return kind == Parked::Kind::conflict ? "conflict" : "dead_letter";
}

std::string_view to_string(Parked::State state) {
  switch (state) {
    case Parked::State::open:
      return "open";
    case Parked::State::answered:
      return "answered";
    case Parked::State::resolved:
      return "resolved";
    case Parked::State::superseded:
      break;
  }
  return "superseded";
}

}  // namespace banyan::sync
