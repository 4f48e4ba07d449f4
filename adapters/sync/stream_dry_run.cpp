// A dry run: everything is decided as in a backfill, nothing of it is written, and what would have been is counted.
#include <algorithm>
#include <utility>

#include "adapters/sync/mapping_field.hpp"
#include "adapters/sync/stream_impl.hpp"

namespace banyan::sync {
namespace {

constexpr std::size_t kProblems = 50;  // kinds of problems that a report tells apart

void count(Json& report, const char* name, std::size_t more) {
  report[name] = report.value(name, std::int64_t{0}) + static_cast<std::int64_t>(more);
}

// Problems of one kind are one line with a count and the first record that has it.
void add_problem(Json& report, const Parked& matter) {
  Json& problems = report["problems"];
  if (!problems.is_array()) problems = Json::array();
  const std::string field = matter.fields.empty() ? "" : matter.fields.front();
  for (Json& problem : problems) {
    if (problem["class"] != matter.error_class || problem["field"] != field || problem["message"] != matter.message)
      continue;
    problem["count"] = problem["count"].get<std::int64_t>() + 1;
    return;
  }
  if (problems.size() >= kProblems) return count(report, "further_problems", 1);
  problems.push_back({{"class", matter.error_class},
                      {"field", field},
                      {"message", matter.message},
                      {"legacy_id", matter.legacy_id},
                      {"count", 1}});
}

void add_chunk(Json& report, const Changes& changes, std::size_t rows) {
  std::size_t created = 0;
  std::size_t updated = 0;
  for (const RecordWrite& write : changes.records) ++(write.kind == RecordWrite::Kind::insert ? created : updated);
  std::size_t unmappable = 0;
  std::size_t reviewed = 0;
  for (const Parked& matter : changes.parked) {
    if (matter.state != Parked::State::open) continue;
    const bool is_conflict = matter.kind == Parked::Kind::conflict;
    ++(is_conflict ? reviewed : unmappable);
    if (!is_conflict) add_problem(report, matter);
  }
  // What waits for a parent would be created after it. A row that a table does not have is told at once: it comes with
  // the next reading, or not at all.
  std::size_t later = 0;
  for (const Waiting& waiting : changes.waiting) {
    if (waiting.on && is_table_row(*waiting.on)) {
      Parked matter;
      matter.error_class = "missing_reference";
      matter.message = waiting.reason;
      matter.legacy_id = waiting.legacy_id;
      add_problem(report, matter);
      ++unmappable;
      continue;
    }
    const auto has_link = [&](const Link& link) { return link.legacy_id == waiting.legacy_id; };
    if (std::none_of(changes.links.begin(), changes.links.end(), has_link)) ++later;
  }
  const auto is_new = [](const Link& link) { return link.created_at == WallTime{}; };
  const auto links = static_cast<std::size_t>(std::count_if(changes.links.begin(), changes.links.end(), is_new));
  const std::size_t linked = links - std::min(links, created);
  const std::size_t touched = created + later + std::max(updated, linked) + reviewed + unmappable;
  count(report, "would_create", created + later);
  count(report, "would_link", linked);
  count(report, "would_update", updated);
  count(report, "review", reviewed);
  count(report, "unmappable", unmappable);
  count(report, "unchanged", rows - std::min(rows, touched));
}

}  // namespace

Task Stream::Impl::try_out(const std::vector<Intake>& intakes, ScanState next) {
  AbsorbContext context = absorb_context();
  context.tells_all = true;
  const auto done = parts_.store.commit(
      fence_,
      [&](View& view) {
        const Absorbed absorbed = absorb(view, context, intakes);
        Changes only_the_report;
        StreamState state = view.state();
        state.scan = next;
        add_chunk(state.scan.report, absorbed.changes, intakes.size());
        state.scan.differences = state.scan.report.value("unmappable", std::int64_t{0});
        only_the_report.state = state;
        return only_the_report;
      },
      commit_deadline());
  return done ? Task::done : failed(done.error());
}

}  // namespace banyan::sync
