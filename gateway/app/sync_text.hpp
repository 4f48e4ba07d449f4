// What `banyan sync` prints for people: documents of the sync API (docs/reference/sync-api.md) as text. Pure.
//
// A member that is missing or of another type than it should be is left out or shown as nothing: the server may be of
// another version. Texts from outside can hold anything; none of it reaches the terminal as a control character.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace banyan::app {

using Json = nlohmann::json;

enum class RunKind : std::uint8_t { backfill, dry_run, verify };
std::string_view to_string(RunKind kind);  // the member of a stream that tells of it
std::string_view words(RunKind kind);      // for people

std::string status_text(const Json& status);

// "120000 of about 400000 (30 %), 21000/s, 14 s left". One line, without an end.
std::string progress_text(RunKind kind, const Json& run);
// How a run of a stream ended, with its report or its differences.
std::string result_text(RunKind kind, std::string_view name, const Json& run);
// Whether it ended as one wishes: not failed, no difference left that was not repaired, and nothing left out.
bool is_good(RunKind kind, const Json& run);

std::string conflicts_text(const Json& page);
std::string conflict_text(const Json& conflict);
std::string dead_letters_text(const Json& page);

// "13 s", "4 min 10 s", "2 h 5 min"; rounded up to a whole second.
std::string duration_text(double seconds);

// The text with every control character replaced, so that it stays on its line.
std::string printable(std::string_view text);

// What follows --set and --field: NAME=TEXT gives the text, NAME:=JSON the JSON value (null clears). The error says
// what is wrong.
using Assignment = std::pair<std::string, Json>;
tl::expected<Assignment, std::string> parse_assignment(std::string_view text);

// An answer to a field of a conflict: NAME=legacy and NAME=modern choose a side, everything else gives {"value": …}.
tl::expected<Assignment, std::string> parse_field_answer(std::string_view text);

}  // namespace banyan::app
