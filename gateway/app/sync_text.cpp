#include "gateway/app/sync_text.hpp"

#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

namespace banyan::app {
namespace {

const Json kNothing;

const Json& member(const Json& object, const char* name) {
  if (!object.is_object()) return kNothing;
  const auto found = object.find(name);
  return found == object.end() ? kNothing : *found;
}

std::string text_of(const Json& object, const char* name) {
  const Json& value = member(object, name);
  return value.is_string() ? printable(value.get_ref<const std::string&>()) : std::string();
}

std::optional<double> number_of(const Json& object, const char* name) {
  const Json& value = member(object, name);
  if (!value.is_number()) return std::nullopt;
  return value.get<double>();
}

std::int64_t count_of(const Json& object, const char* name) {
  const Json& value = member(object, name);
  return value.is_number_integer() ? value.get<std::int64_t>() : 0;
}

// One decimal where it says something.
std::string rounded(double value) {
  const bool whole = value >= 100 || std::abs(value - std::round(value)) < 0.05;
  std::string text = std::to_string(whole ? std::round(value) : std::round(value * 10) / 10);
  return text.substr(0, text.find('.') + (whole ? 0 : 2));
}

std::string percent(double share) {
  return rounded(std::floor(share * 100)) + " %";
}

// The entity's value as JSON shows it: texts in quotes, so that a space at an end is seen.
std::string shown(const Json& value) {
  return printable(value.dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::string field_of(const Json& field, const char* side) {
  const Json& object = field.is_object() ? field : kNothing;
  return std::string(side) + " " + (object.contains(side) ? shown(object.at(side)) : "nothing");
}

std::string plural(std::int64_t count, std::string_view word) {
  return std::to_string(count) + " " + std::string(word) + (count == 1 ? "" : "s");
}

std::string ids_text(const Json& of) {
  const std::string legacy = text_of(of, "legacy_id");
  const std::string record = text_of(of, "record_id");
  if (legacy.empty() || record.empty()) return legacy.empty() ? record : "legacy " + legacy;
  return record + " (legacy " + legacy + ")";
}

// A state that is not good, with its reason.
std::string state_text(const Json& of) {
  const std::string reason = text_of(of, "reason");
  return text_of(of, "state") + (reason.empty() ? "" : " (" + reason + ")");
}

std::string differences_text(const Json& run, const std::string& indent) {
  std::string out;
  for (const Json& example : member(run, "examples")) {
    out += indent + text_of(example, "kind") + " " + ids_text(example) + "\n";
    for (const Json& field : member(example, "fields")) {
      out += indent + "  " + text_of(field, "field") + ": " + field_of(field, "legacy") + ", " +
             field_of(field, "modern") + "\n";
    }
  }
  return out;
}

// What a verify could not judge.
std::string left_out_text(const Json& run, const std::string& indent) {
  std::string out;
  for (const Json& part : member(run, "left_out")) {
    out += indent + "left out: " + plural(count_of(part, "records"), "record") + ": " + text_of(part, "reason") + "\n";
  }
  return out;
}

std::string report_summary(const Json& report, const std::string& indent) {
  if (!report.is_object()) return {};
  return indent + "would create " + std::to_string(count_of(report, "would_create")) + ", link " +
         std::to_string(count_of(report, "would_link")) + ", update " +
         std::to_string(count_of(report, "would_update")) + "; unchanged " +
         std::to_string(count_of(report, "unchanged")) + "; to review " + std::to_string(count_of(report, "review")) +
         "; cannot be mapped " + std::to_string(count_of(report, "unmappable")) + "\n";
}

std::string report_text(const Json& report, const std::string& indent) {
  std::string out = report_summary(report, indent);
  for (const Json& problem : member(report, "problems")) {
    const std::string field = text_of(problem, "field");
    const std::string message = text_of(problem, "message");
    const bool says_field = field.empty() || message.starts_with(field + ":");
    out += indent + "  " + plural(count_of(problem, "count"), "record") + ": " + (says_field ? "" : field + ": ") +
           message + " (" + text_of(problem, "class") + ", such as legacy " + text_of(problem, "legacy_id") + ")\n";
  }
  return out;
}

std::string run_line(RunKind kind, const Json& run) {
  const std::string state = text_of(run, "state");
  const std::string message = text_of(run, "message");
  std::string out = state.empty() ? "idle" : state;
  if (state == "done" || state == "failed") out += " " + text_of(run, "ended_at");
  if (state == "running" || state == "done" || state == "failed") out += ": " + progress_text(kind, run);
  return out + (message.empty() ? "" : "; " + message);
}

// A run that missed more than can be believed.
std::string held_deletes_text(const Json& stream) {
  const Json& missing = member(stream, "missing");
  if (member(missing, "held") != true) return "";
  return "    " + std::to_string(count_of(missing, "gone")) + " of " + std::to_string(count_of(missing, "linked")) +
         " records are gone in the legacy system; nothing was deleted. If that is right: banyan sync backfill " +
         text_of(stream, "entity") + " --accept-deletes\n";
}

std::string stream_text(const Json& stream) {
  const Json& counters = member(stream, "counters");
  const auto lag = number_of(stream, "lag_seconds");
  std::string out = "  " + text_of(stream, "entity") + ": " + state_text(stream) + ", owner " +
                    text_of(stream, "owner") + " (epoch " + std::to_string(count_of(stream, "epoch")) + "), lag " +
                    (lag ? rounded(*lag) + " s" : "unknown") + ", parked " +
                    std::to_string(count_of(stream, "parked")) + "\n    captured " +
                    std::to_string(count_of(counters, "captured")) + " =";
  bool first = true;
  for (const char* name : {"applied", "superseded", "echo", "conflict", "dead_letter"}) {
    out += std::string(first ? " " : " + ") + std::to_string(count_of(counters, name)) + " " +
           (std::string_view(name) == "dead_letter" ? "dead letter" : name);
    first = false;
  }
  out += " + " + std::to_string(count_of(stream, "in_flight")) + " in flight\n";
  const std::string read = text_of(stream, "caught_up_at");
  out += "    feed " + (read.empty() ? "not read to its end yet" : "read to its end at " + read) + "\n";
  const std::string cursor = text_of(stream, "cursor");
  out += "    cursor " + (cursor.empty() ? "at the beginning" : cursor) + ", overlap " +
         rounded(number_of(stream, "overlap_ms").value_or(0) / 1000) + " s, near misses " +
         std::to_string(count_of(stream, "near_misses")) + "\n";
  for (const RunKind kind : {RunKind::backfill, RunKind::dry_run, RunKind::verify}) {
    const Json& run = member(stream, std::string(to_string(kind)).c_str());
    const std::string state = text_of(run, "state");
    if (kind == RunKind::dry_run && (state.empty() || state == "idle")) continue;
    out += "    " + std::string(words(kind)) + ": " + run_line(kind, run) + "\n";
  }
  out += report_summary(member(member(stream, "dry_run"), "report"), "      ");
  out += differences_text(member(stream, "verify"), "      ");
  out += left_out_text(member(stream, "verify"), "      ");
  for (const Json& drift : member(stream, "schema_drift")) {
    out += "    schema drift: " + text_of(drift, "message") + "\n";
  }
  out += held_deletes_text(stream);
  for (const Json& guarantee : member(stream, "guarantees")) {
    if (guarantee.is_string()) out += "    - " + printable(guarantee.get_ref<const std::string&>()) + "\n";
  }
  return out;
}

}  // namespace

std::string_view to_string(RunKind kind) {
  return kind == RunKind::backfill ? "backfill" : kind == RunKind::dry_run ? "dry_run" : "verify";
}

std::string_view words(RunKind kind) {
  return kind == RunKind::dry_run ? "backfill (dry run)" : to_string(kind);
}

std::string printable(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F, which terminals take for control characters too, are C2 80 to C2 9F in UTF-8.
    const bool is_c1 = byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (is_c1) ++i;
    out += is_c1 || byte < 0x20 || byte == 0x7F ? '?' : text[i];
  }
  return out;
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::ceil(std::max(0.0, std::min(seconds, 1e12))));
  const auto part = [](std::int64_t count, const char* unit) { return std::to_string(count) + " " + unit; };
  if (whole < 60) return part(whole, "s");
  if (whole < 3600) return part(whole / 60, "min") + (whole % 60 > 0 ? " " + part(whole % 60, "s") : "");
  return part(whole / 3600, "h") + (whole / 60 % 60 > 0 ? " " + part(whole / 60 % 60, "min") : "");
}

std::string progress_text(RunKind kind, const Json& run) {
  const std::int64_t count = count_of(run, kind == RunKind::verify ? "checked" : "scanned");
  const auto total = number_of(run, "total_estimate");
  std::string out = std::to_string(count);
  if (text_of(run, "state") == "running" && total && *total > 0) {
    out += " of about " + rounded(*total) + " (" + percent(std::min(1.0, static_cast<double>(count) / *total)) + ")";
  } else {
    out += count == 1 ? " record" : " records";
  }
  if (const auto rate = number_of(run, "rate_per_second"); rate && *rate > 0) out += ", " + rounded(*rate) + "/s";
  if (const auto left = number_of(run, "seconds_left")) out += ", " + duration_text(*left) + " left";
  if (kind == RunKind::verify) {
    out += ", " + plural(count_of(run, "differences"), "difference") + ", " +
           std::to_string(count_of(run, "repaired")) + " repaired";
  }
  return out;
}

std::string result_text(RunKind kind, std::string_view name, const Json& run) {
  std::string out = printable(name) + ": " + std::string(words(kind)) + " ";
  out += text_of(run, "state") + ": " + progress_text(kind, run);
  const std::string message = text_of(run, "message");
  out += (message.empty() ? "" : "; " + message) + "\n";
  return out + report_text(member(run, "report"), "  ") + differences_text(run, "  ") + left_out_text(run, "  ");
}

bool is_good(RunKind kind, const Json& run) {
  if (text_of(run, "state") != "done") return false;
  if (kind != RunKind::verify) return true;
  return count_of(run, "differences") <= count_of(run, "repaired") && member(run, "left_out").empty();
}

std::string status_text(const Json& status) {
  std::string out;
  for (const Json& system : member(status, "systems")) {
    const Json& budget = member(system, "budget");
    out += text_of(system, "system") + ": " + state_text(system);
    if (const auto limit = number_of(budget, "calls_per_second")) {
      const double part = number_of(budget, "part_per_second").value_or(*limit);
      out += ", " + percent(number_of(budget, "used_share").value_or(0)) + " of " + rounded(part) + " calls/s used";
      const auto processes = count_of(budget, "processes");
      if (processes > 1) {
        out += " (this process; " + rounded(*limit) + " for all " + std::to_string(processes) + ")";
      }
    }
    out += "\n";
    for (const Json& stream : member(system, "streams")) out += stream_text(stream);
  }
  return out.empty() ? "Nothing is synchronised.\n" : out;
}

std::string conflict_text(const Json& conflict) {
  std::string out = text_of(conflict, "id") + "  " + text_of(conflict, "system") + " " + text_of(conflict, "entity") +
                    " " + ids_text(conflict) + "  " + text_of(conflict, "class") + ", " + text_of(conflict, "state") +
                    "  " + text_of(conflict, "at") + "\n  " + text_of(conflict, "message") + "\n";
  for (const Json& field : member(conflict, "fields")) {
    out += "  " + text_of(field, "field") + ": " + field_of(field, "base") + ", " + field_of(field, "legacy") + ", " +
           field_of(field, "modern") + "\n";
  }
  for (const Json& candidate : member(conflict, "candidates")) {
    out += "  candidate " + shown(candidate) + "\n";
  }
  if (const Json& resolution = member(conflict, "resolution"); resolution.is_object()) {
    out += "  resolved by " + text_of(resolution, "by") + ": " + shown(member(resolution, "fields")) + "\n";
  }
  return out;
}

std::string conflicts_text(const Json& page) {
  std::string out;
  for (const Json& conflict : member(page, "conflicts")) out += conflict_text(conflict);
  if (out.empty()) return "No conflicts.\n";
  return out + (member(page, "next").is_string() ? "There are more: raise --limit.\n" : "");
}

std::string dead_letters_text(const Json& page) {
  std::string out;
  for (const Json& letter : member(page, "dead_letters")) {
    out += text_of(letter, "id") + "  " + text_of(letter, "system") + " " + text_of(letter, "entity") + " " +
           ids_text(letter) + "  " + text_of(letter, "error_class") + ", from " + text_of(letter, "origin") + "  " +
           text_of(letter, "at") + "\n  " + text_of(letter, "message") + "\n";
    for (const char* name : {"old", "new", "current"}) {
      if (const Json& values = member(letter, name); values.is_object() && !values.empty()) {
        out += "  " + std::string(name) + ": " + shown(values) + "\n";
      }
    }
  }
  if (out.empty()) return "No dead letters.\n";
  return out + (member(page, "next").is_string() ? "There are more: raise --limit.\n" : "");
}

tl::expected<Assignment, std::string> parse_assignment(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) {
    return tl::unexpected("\"" + std::string(text) + "\" is neither NAME=TEXT nor NAME:=JSON");
  }
  const bool is_json = equals > 0 && text[equals - 1] == ':';
  const std::string name(text.substr(0, is_json ? equals - 1 : equals));
  const std::string_view value = text.substr(equals + 1);
  if (name.empty()) return tl::unexpected("\"" + std::string(text) + "\" names no field");
  if (!is_json) return Assignment(name, std::string(value));
  Json parsed = Json::parse(value, nullptr, false);
  if (parsed.is_discarded()) return tl::unexpected("what follows := in \"" + std::string(text) + "\" is not JSON");
  return Assignment(name, std::move(parsed));
}

tl::expected<Assignment, std::string> parse_field_answer(std::string_view text) {
  auto answer = parse_assignment(text);
  if (!answer) return answer;
  // NAME:="legacy" is the text.
  const bool is_plain = text[answer->first.size()] == '=';
  if (is_plain && (answer->second == "legacy" || answer->second == "modern")) return answer;
  Json value = Json::object();
  value["value"] = std::move(answer->second);
  answer->second = std::move(value);
  return answer;
}

}  // namespace banyan::app
