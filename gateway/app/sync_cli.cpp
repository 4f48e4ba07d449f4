#include "gateway/app/sync_cli.hpp"

#include <cstdlib>
#include <iostream>
#include <optional>
#include <utility>

#include "adapters/sync/sync_store.hpp"
#include "gateway/app/admin_client.hpp"
#include "gateway/app/cli.hpp"
#include "gateway/app/sync_run.hpp"
#include "gateway/app/sync_text.hpp"

namespace banyan::app {
namespace {

constexpr std::size_t kLargestPage = 500;

AdminClient client_of(const SyncArguments& arguments, const Clock& clock) {
  const auto variable = [](const char* name) -> std::string {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
  };
  return {arguments.admin, Secret(variable("BANYAN_ADMIN_TOKEN")), variable("BANYAN_AUTHOR"), clock};
}

int report(const Error& error) {
  std::cerr << "banyan sync: " << error.public_message << '\n';
  return error.code == ErrorCode::invalid_argument ? kWrongUse : kFailed;
}

int wrong_use(std::string_view what) {
  std::cerr << "banyan sync: " << what << '\n';
  return kWrongUse;
}

void print_json(const Json& document) {
  std::cout << document.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
}

// Prints an answer, as JSON or as `text` shows it.
template <typename Text>
int print(const Result<Json>& answer, bool as_json, const Text& text) {
  if (!answer) return report(answer.error());
  if (as_json) {
    print_json(*answer);
  } else {
    std::cout << text(*answer);
  }
  return kDone;
}

int show_status(const SyncArguments& arguments) {
  const SystemClock clock;
  return print(client_of(arguments, clock).get("/api/sync"), arguments.json, status_text);
}

// What was asked for and not started.
std::string skipped_text(const std::vector<SkippedRun>& skipped) {
  std::string out;
  for (const SkippedRun& each : skipped) out += name_of(each.stream) + ": left out: " + each.reason + "\n";
  return out;
}

// How the runs ended. Good: all that was asked for was done, and as one wishes.
int show_runs(RunKind kind, const std::vector<EndedRun>& runs, const std::vector<SkippedRun>& skipped, bool as_json) {
  bool good = skipped.empty();
  Json document = Json::array();
  std::string text;
  for (const EndedRun& each : runs) {
    good = good && each.stall.empty() && is_good(kind, each.run);
    document.push_back({{"system", each.stream.system}, {"entity", each.stream.entity}, {to_string(kind), each.run}});
    if (each.stall.empty()) {
      text += result_text(kind, name_of(each.stream), each.run);
    } else {
      document.back()["stall"] = each.stall;
      text += name_of(each.stream) + ": " + std::string(words(kind)) + " has not ended: " + each.stall +
              ". It stays asked for.\n";
    }
  }
  for (const SkippedRun& each : skipped) {
    document.push_back({{"system", each.stream.system}, {"entity", each.stream.entity}, {"skipped", each.reason}});
  }
  if (as_json) {
    print_json(document);
  } else {
    std::cout << text << skipped_text(skipped);
  }
  return good ? kDone : kFailed;
}

// Starts backfill or verify, and follows it to its end.
int run(const SyncArguments& arguments, RunKind kind) {
  sync::ScanRequest request;
  request.kind = kind == RunKind::verify ? sync::ScanState::Kind::verify : sync::ScanState::Kind::backfill;
  request.dry_run = arguments.dry_run;
  request.repair = arguments.repair;
  request.accepts_deletes = arguments.accept_deletes;
  if (const auto fault = sync::fault_in(request)) return wrong_use(*fault);
  const SystemClock clock;
  const AdminClient client = client_of(arguments, clock);
  Json body = Json::object();
  if (!arguments.system.empty()) body["system"] = arguments.system;
  if (!arguments.entity.empty()) body["entity"] = arguments.entity;
  if (arguments.dry_run) body["dry_run"] = true;
  if (arguments.repair) body["repair"] = true;
  if (arguments.accept_deletes) body["accept_deletes"] = true;
  const auto started = client.post(kind == RunKind::verify ? "/api/sync/verify" : "/api/sync/backfill", body);
  if (!started) return report(started.error());
  const std::vector<SkippedRun> skipped = skipped_of(*started);
  if (arguments.no_wait) {
    print(started, arguments.json, [&](const Json& answer) {
      std::string out;
      for (const Stream& stream : streams_of(answer)) out += name_of(stream) + ": started\n";
      return out + skipped_text(skipped);
    });
    return skipped.empty() ? kDone : kFailed;
  }
  const auto ended = follow(client, kind, streams_of(*started));
  return ended ? show_runs(kind, *ended, skipped, arguments.json) : report(ended.error());
}

// All pages of a list, up to the limit, as one document.
Result<Json> list(const SyncArguments& arguments, const std::string& path, const char* name, AdminClient::Query query) {
  const SystemClock clock;
  const AdminClient client = client_of(arguments, clock);
  Json whole = {{name, Json::array()}, {"next", nullptr}};
  Json& items = whole[name];
  query.insert(query.end(), {{"system", arguments.system}, {"entity", arguments.entity}});
  std::string cursor;
  while (items.size() < arguments.limit) {
    AdminClient::Query page_query = query;
    page_query.emplace_back("limit", std::to_string(std::min(kLargestPage, arguments.limit - items.size())));
    page_query.emplace_back("cursor", cursor);
    auto page = client.get(path, page_query);
    if (!page) return page;
    if (!page->is_object()) return fail(ErrorCode::bad_peer, path + " does not answer with a list");
    const Json rows = page->value(name, Json::array());
    items.insert(items.end(), rows.begin(), rows.end());
    whole["next"] = page->value("next", Json());
    if (!whole["next"].is_string() || rows.empty()) break;
    cursor = whole["next"];
  }
  return whole;
}

int list_conflicts(const SyncArguments& arguments) {
  const auto answer = list(arguments, "/api/sync/conflicts", "conflicts", {{"state", arguments.state}});
  return print(answer, arguments.json, conflicts_text);
}

int list_dead_letters(const SyncArguments& arguments) {
  const auto answer =
      list(arguments, "/api/sync/dead-letters", "dead_letters", {{"error_class", arguments.error_class}});
  return print(answer, arguments.json, dead_letters_text);
}

int show_conflict(const SyncArguments& arguments) {
  const SystemClock clock;
  const auto answer = client_of(arguments, clock).get("/api/sync/conflicts/" + percent_encoded(arguments.id));
  return print(answer, arguments.json, conflict_text);
}

// An object of the assignments, each read by `parse`; or what is wrong with one.
template <typename Parse>
tl::expected<Json, std::string> object_of(const std::vector<std::string>& texts, const Parse& parse) {
  Json out = Json::object();
  for (const std::string& text : texts) {
    auto assignment = parse(text);
    if (!assignment) return tl::unexpected(std::move(assignment.error()));
    if (out.contains(assignment->first)) return tl::unexpected("\"" + assignment->first + "\" is there twice");
    out[assignment->first] = std::move(assignment->second);
  }
  return out;
}

int resolve_conflict(const SyncArguments& arguments) {
  if (arguments.fields.empty() == arguments.link.empty()) {
    return wrong_use("conflicts resolve needs --field for each field, or --link");
  }
  Json body = Json::object();
  if (!arguments.link.empty()) {
    body["link"] = arguments.link;
  } else {
    auto fields = object_of(arguments.fields, parse_field_answer);
    if (!fields) return wrong_use(fields.error());
    body["fields"] = std::move(*fields);
  }
  const SystemClock clock;
  const auto answer =
      client_of(arguments, clock).post("/api/sync/conflicts/" + percent_encoded(arguments.id) + "/resolve", body);
  return print(answer, arguments.json, conflict_text);
}

int replay(const SyncArguments& arguments) {
  const int ways = (arguments.id.empty() ? 0 : 1) + (arguments.all ? 1 : 0) + (arguments.error_class.empty() ? 0 : 1);
  if (ways != 1) return wrong_use("replay needs one of ID, --all and --error-class");
  if (arguments.id.empty() && !arguments.fields.empty()) return wrong_use("--set needs the ID of one dead letter");
  Json body = Json::object();
  std::string path = "/api/sync/dead-letters/replay";
  if (!arguments.id.empty()) {
    auto values = object_of(arguments.fields, parse_assignment);
    if (!values) return wrong_use(values.error());
    if (!values->empty()) body["values"] = std::move(*values);
    path = "/api/sync/dead-letters/" + percent_encoded(arguments.id) + "/replay";
  } else {
    if (arguments.all) body["all"] = true;
    if (!arguments.error_class.empty()) body["error_class"] = arguments.error_class;
    if (!arguments.system.empty()) body["system"] = arguments.system;
    if (!arguments.entity.empty()) body["entity"] = arguments.entity;
  }
  const SystemClock clock;
  const auto answer = client_of(arguments, clock).post(path, body);
  return print(answer, arguments.json, [](const Json& document) {
    return "replayed: " + (document.is_object() ? document.value("replayed", Json(0)) : Json(0)).dump() + "\n";
  });
}

int steer(const SyncArguments& arguments, const std::string& verb) {
  Json body = Json::object();
  if (!arguments.system.empty()) body["system"] = arguments.system;
  const SystemClock clock;
  const auto answer = client_of(arguments, clock).post("/api/sync/" + verb, body);
  return print(answer, arguments.json, [](const Json& document) {
    std::string out;
    const Json systems = document.is_object() ? document.value("systems", Json::array()) : Json::array();
    for (const Json& each : systems) {
      if (each.is_object()) out += printable(each.value("system", "") + ": " + each.value("state", "")) + "\n";
    }
    return out;
  });
}

CLI::App& add_command(CLI::App& parent, SyncArguments& arguments, const char* name, const char* about,
                      std::function<int(const SyncArguments&)> command) {
  CLI::App& added = *parent.add_subcommand(name, about);
  added.add_option("--admin", arguments.admin, "Where the admin API listens; default: BANYAN_ADMIN, or this")
      ->capture_default_str();
  added.add_flag("--json", arguments.json, "Print the data as JSON");
  added.callback([&arguments, &added, command = std::move(command)] {
    // A parent's callback runs as well; its child has had its say.
    if (added.get_subcommands().empty()) arguments.run = [&arguments, command] { return command(arguments); };
  });
  return added;
}

void add_scope(CLI::App& command, SyncArguments& arguments) {
  command.add_option("--system", arguments.system, "Only this legacy system");
  command.add_option("ENTITY", arguments.entity, "Only this entity; default: all");
}

void add_runs(CLI::App& sync, SyncArguments& arguments) {
  constexpr const char* kNoWait = "Start it and return; `sync status` shows how far it is";
  constexpr const char* kAcceptDeletes = "Delete what the legacy system no longer has, however much it is";
  CLI::App& backfill = add_command(
      sync, arguments, "backfill", "Copy what the legacy system holds, and show progress",
      [](const SyncArguments& given) { return run(given, given.dry_run ? RunKind::dry_run : RunKind::backfill); });
  add_scope(backfill, arguments);
  backfill.add_flag("--dry-run", arguments.dry_run, "Change nothing; report what would not map");
  backfill.add_flag("--accept-deletes", arguments.accept_deletes, kAcceptDeletes);
  backfill.add_flag("--no-wait", arguments.no_wait, kNoWait);
  CLI::App& verify = add_command(sync, arguments, "verify", "Compare both sides; exit code 1 if a difference is left",
                                 [](const SyncArguments& given) { return run(given, RunKind::verify); });
  add_scope(verify, arguments);
  verify.add_flag("--repair", arguments.repair, "Remove the differences, by the policy of each field");
  verify.add_flag("--accept-deletes", arguments.accept_deletes, kAcceptDeletes);
  verify.add_flag("--no-wait", arguments.no_wait, kNoWait);
}

void add_conflicts(CLI::App& sync, SyncArguments& arguments) {
  CLI::App& conflicts =
      add_command(sync, arguments, "conflicts", "List conflicts, or show or resolve one", list_conflicts);
  conflicts.require_subcommand(0, 1);
  conflicts.add_option("--state", arguments.state, "open, resolved or all")
      ->check(CLI::IsMember({"open", "resolved", "all"}))
      ->capture_default_str();
  conflicts.add_option("--system", arguments.system, "Only this legacy system");
  conflicts.add_option("--entity", arguments.entity, "Only this entity");
  conflicts.add_option("--limit", arguments.limit, "At most so many")->capture_default_str();
  CLI::App& show = add_command(conflicts, arguments, "show", "Show one with the values of both sides", show_conflict);
  show.add_option("ID", arguments.id)->required();
  CLI::App& resolve = add_command(conflicts, arguments, "resolve", "Answer one", resolve_conflict);
  resolve.add_option("ID", arguments.id)->required();
  resolve
      .add_option("--field", arguments.fields,
                  "F=legacy or F=modern: that side's value; F=TEXT or F:=JSON: another one; F is * for all others")
      ->allow_extra_args(false);
  resolve.add_option("--link", arguments.link, "For class ambiguous_match or ambiguous_create: the id, or new");
  resolve.footer("Example:\n  banyan sync conflicts resolve 12 --field name=legacy --field 'score:=7'");
}

void add_dead_letters(CLI::App& sync, SyncArguments& arguments) {
  CLI::App& letters =
      add_command(sync, arguments, "dead-letters", "List changes that could not be applied", list_dead_letters);
  letters.add_option("--error-class", arguments.error_class, "Only these, such as rejected");
  letters.add_option("--system", arguments.system, "Only this legacy system");
  letters.add_option("--entity", arguments.entity, "Only this entity");
  letters.add_option("--limit", arguments.limit, "At most so many")->capture_default_str();
  CLI::App& again = add_command(sync, arguments, "replay", "Try dead letters again", replay);
  again.add_option("ID", arguments.id, "One dead letter");
  again.add_flag("--all", arguments.all, "All of them");
  again.add_option("--error-class", arguments.error_class, "All of this class");
  again.add_option("--system", arguments.system, "With --all or --error-class: only this legacy system");
  again.add_option("--entity", arguments.entity, "With --all or --error-class: only this entity");
  again.add_option("--set", arguments.fields, "With ID: F=TEXT or F:=JSON, a value in place of the one refused")
      ->allow_extra_args(false);
}

}  // namespace

void add_sync(CLI::App& app, SyncArguments& arguments) {
  if (const char* admin = std::getenv("BANYAN_ADMIN")) arguments.admin = admin;
  CLI::App& sync = *app.add_subcommand("sync", "See and steer the synchronisation of records");
  sync.require_subcommand(1);
  sync.footer(
      "These commands speak to the admin API of a running Banyan: --admin URL or BANYAN_ADMIN, with the token in\n"
      "BANYAN_ADMIN_TOKEN. Ctrl-C while backfill or verify shows its progress ends the display, not the run.\n"
      "What the columns mean: docs/reference/sync-api.md");
  add_command(sync, arguments, "status", "Lag, counters, guarantees and runs of every stream", show_status);
  add_runs(sync, arguments);
  add_conflicts(sync, arguments);
  add_dead_letters(sync, arguments);
  for (const char* verb : {"pause", "resume"}) {
    const bool pause = std::string_view(verb) == "pause";
    CLI::App& command =
        add_command(sync, arguments, verb, pause ? "Stop both directions; changes wait where they are" : "Go on",
                    [verb](const SyncArguments& given) { return steer(given, verb); });
    command.add_option("SYSTEM", arguments.system, "Only this legacy system; default: all");
  }
}

}  // namespace banyan::app
