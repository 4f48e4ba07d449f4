#include "adapters/legacy/rest/feed.hpp"

#include <algorithm>
#include <utility>

#include "adapters/legacy/rest/fields.hpp"
#include "adapters/legacy/rest/wire_json.hpp"

namespace banyan::legacy::rest {
namespace {

using Kind = Failure::Kind;

constexpr int kMostAttempts = 5;  // at a list that moves while it is read
constexpr std::size_t kMostDeleted = 1'000'000;

Failure about(const RestType& type, Kind kind, const std::string& what) {
  return {kind, "list of " + type.name + ": " + what, std::nullopt};
}

Moment cut(const TimeForm& form, Moment moment) {
  const std::int64_t unit = form.precision.count();
  const std::int64_t count = moment.time_since_epoch().count();
  return Moment(std::chrono::microseconds(count - ((count % unit) + unit) % unit));
}

std::optional<Moment> stamp_of(const RestType& type, const Json& item) {
  const Json* value = type.stamp->at.find(item);
  if (value == nullptr) return std::nullopt;
  return stamp_from_wire(type.stamp->time, *value).value_or(std::nullopt);
}

}  // namespace

std::string Feed::key_of(const Json& item) const {
  const Json* id = type_.id.at.find(item);
  const auto text = id == nullptr ? std::nullopt : id_from_wire(type_.id, *id);
  return text ? *text : "#" + content_version(item);  // a row without an id is known by what it holds
}

Failure Feed::out_of_order(const char* order) const {
  return about(type_, Kind::malformed,
               std::string("the rows are not in the order of their stamps, although changes.order says ") + order);
}

Failure Feed::keeps_moving() const {
  return about(type_, Kind::unavailable, "rows move from page to page while it is read; try again");
}

Lister Feed::change_list(const std::vector<QueryParameter>& tie, const std::optional<Moment>& from,
                         const std::string& id) const {
  const ChangeFeed& feed = *type_.changes;
  ListQuery query{type_.list->request, {}, {}};
  if (!feed.request.path.text().empty()) query.request.path = feed.request.path;
  query.more = tie.empty() ? feed.request.query : tie;
  if (from) {
    // An exclusive filter must begin one step earlier to hold the rows of the moment itself.
    const bool step_back = tie.empty() && !feed.inclusive;
    const Moment begin =
        cut(type_.stamp->time, *from) - (step_back ? type_.stamp->time.precision : Moment::duration(0));
    query.values.emplace_back("stamp", format_time(type_.stamp->time, begin));
  }
  if (!id.empty()) query.values.emplace_back("id", id);
  return {session_, description_.base_url, std::move(query), type_.list->items, type_.list->paging, type_.list->empty};
}

Lister Feed::whole_list(const std::vector<QueryParameter>& more, const Template::Values& values) const {
  return {session_,          description_.base_url, {type_.list->request, more, values},
          type_.list->items, type_.list->paging,    type_.list->empty};
}

Answer<Batch> Feed::read_rows(Lister& list, const Place& place) const {
  auto batch = list.read(place, deadline_);
  if (!batch || batch->rows.empty()) return batch;
  const auto has_id = [this](const Json& item) {
    const Json* id = type_.id.at.find(item);
    return id != nullptr && id_from_wire(type_.id, *id).has_value();
  };
  if (std::ranges::any_of(batch->rows, has_id)) return batch;
  return tl::unexpected(about(type_, Kind::malformed,
                              "no row has an id at " + type_.id.at.text() + ", such as " + found(batch->rows.front())));
}

Answer<Batch> Feed::following(Lister& list, const Place& here, const Batch& batch, bool& moved) const {
  moved = false;
  if (!list.is_counted() || batch.rows.empty()) return read_rows(list, batch.next);
  const std::string last = key_of(batch.rows.back());
  if (type_.list->paging.style == Paging::Style::offset) {
    auto next = read_rows(list, {batch.next.index - 1, ""});
    if (!next) return next;
    moved = next->rows.empty() || key_of(next->rows.front()) != last;
    if (!next->rows.empty()) next->rows.erase(next->rows.begin());
    if (next->rows.empty()) next->last = true;
    return next;
  }
  auto next = read_rows(list, batch.next);
  if (!next) return next;
  auto again = read_rows(list, here);
  if (!again) return again;
  moved = again->rows.empty() || key_of(again->rows.back()) != last;
  return next;
}

Feed::Span Feed::add(Window& window, const Batch& batch) const {
  Span span;
  std::optional<Moment> before;
  for (const Json& item : batch.rows) {
    for (Row& row : source_.rows_of(item)) {
      if (row.problem.empty() && row.record.cursor.stamp.empty()) {
        row.problem = "no stamp at " + type_.stamp->at.text();
        row.record.fields = {{"raw", found(item)}};
      }
      window.add(std::move(row));
    }
    const auto stamp = stamp_of(type_, item);
    if (!stamp) continue;
    if (before && *stamp < *before) span.rises = false;
    if (before && *stamp > *before) span.falls = false;
    span.lowest = std::min(span.lowest.value_or(*stamp), *stamp);
    span.highest = std::max(span.highest.value_or(*stamp), *stamp);
    before = stamp;
  }
  if (!batch.rows.empty()) span.last_id = key_of(batch.rows.back());
  return span;
}

std::optional<Failure> Feed::read_tie(Window& window, Moment stamp, std::string id) {
  while (true) {
    Lister list = change_list(type_.changes->tie, stamp, id);
    const auto batch = read_rows(list, {});
    if (!batch) return batch.error();
    const Span span = add(window, *batch);
    if (batch->last || window.is_closed_to({cursor_text(stamp), span.last_id})) return std::nullopt;
    if (!is_id(type_.id, span.last_id) || (!id.empty() && compare_ids(type_.id, span.last_id, id) <= 0)) {
      return about(type_, Kind::malformed, "the query of changes.tie does not lead behind id " + id);
    }
    id = span.last_id;
  }
}

std::optional<Failure> Feed::read_by_id(Window& window) {
  std::string id;
  while (true) {
    Template::Values values;
    if (!id.empty()) values.emplace_back("id", id);
    Lister list = whole_list(type_.scan_after, values);
    const auto batch = read_rows(list, {});
    if (!batch) return batch.error();
    const Span span = add(window, *batch);
    if (batch->last) return std::nullopt;
    if (span.last_id == id || !is_id(type_.id, span.last_id)) {
      return about(type_, Kind::malformed, "the query of scan_after does not lead behind id " + id);
    }
    id = span.last_id;
  }
}

// Keyset paging: each page begins at the last stamp of the page before, so that rows which move to the end meanwhile
// leave no gap. Only rows of one moment that fill a page are read on by position.
std::optional<Failure> Feed::read_forward(Window& window, const Cursor& after) {
  const TimeForm& time = type_.stamp->time;
  const bool ties = !type_.changes->tie.empty() && &source_.ids() == &type_.id;
  std::optional<Moment> from = moment_of_cursor(after.stamp);
  if (ties && from && !after.id.empty()) {
    if (auto failed = read_tie(window, *from, after.id)) return failed;
    from = cut(time, *from) + time.precision;
    if (window.is_closed_to({cursor_text(*from), ""})) return std::nullopt;
  }
  for (int attempt = 1; attempt <= kMostAttempts;) {
    Lister list = change_list({}, from, "");
    Place here;
    auto batch = read_rows(list, here);
    bool moved = false;
    std::optional<Moment> begin_again;
    while (!begin_again && !moved) {
      if (!batch) return batch.error();
      const Span span = add(window, *batch);
      if (!span.rises) return out_of_order("oldest_first");
      if (span.highest && window.is_closed_to({cursor_text(*span.highest), ""})) return std::nullopt;
      if (batch->last) return std::nullopt;
      if (span.highest && (!from || cut(time, *span.highest) > cut(time, *from))) {
        begin_again = span.highest;
      } else if (ties && span.highest && span.lowest && cut(time, *span.highest) == cut(time, *from)) {
        if (auto failed = read_tie(window, *from, "")) return failed;
        begin_again = cut(time, *from) + time.precision;
        if (window.is_closed_to({cursor_text(*begin_again), ""})) return std::nullopt;
      } else if (list.is_past_cap(batch->next) && !type_.scan_after.empty()) {
        return read_by_id(window);
      } else {
        const Place next = batch->next;
        batch = following(list, here, *batch, moved);
        here = next;
      }
    }
    if (begin_again) from = begin_again, attempt = 1;
    if (moved) ++attempt;
  }
  return keeps_moving();
}

std::optional<Failure> Feed::read_pages(Window& window, const std::optional<Moment>& from) {
  const bool newest_first = type_.changes->order == Order::newest_first;
  for (int attempt = 1; attempt <= kMostAttempts; ++attempt) {
    Lister list = change_list({}, from, "");
    Place here;
    auto batch = read_rows(list, here);
    bool moved = false;
    while (!moved) {
      if (!batch) return batch.error();
      const Span span = add(window, *batch);
      if (newest_first && !span.falls) return out_of_order("newest_first");
      if (newest_first && from && span.lowest && cut(type_.stamp->time, *span.lowest) < cut(type_.stamp->time, *from)) {
        return std::nullopt;
      }
      if (batch->last) return std::nullopt;
      if (list.is_past_cap(batch->next) && !type_.scan_after.empty()) return read_by_id(window);
      const Place next = batch->next;
      batch = following(list, here, *batch, moved);
      here = next;
    }
  }
  return keeps_moving();
}

Answer<Page> Feed::changes(const Cursor& after, std::size_t limit) {
  if (!type_.changes) {
    return tl::unexpected(about(type_, Kind::rejected, "the description names no changes; it can only be scanned"));
  }
  const auto from = moment_of_cursor(after.stamp);
  if (!after.stamp.empty() && !from) {
    return tl::unexpected(about(type_, Kind::rejected, "no cursor of this list: " + after.stamp));
  }
  Window window(source_.ids(), after, std::max<std::size_t>(limit, 1));
  const auto failed =
      type_.changes->order == Order::oldest_first ? read_forward(window, after) : read_pages(window, from);
  if (failed) return tl::unexpected(*failed);
  return window.take();
}

Answer<std::vector<std::string>> Feed::deleted_since(const Cursor& since) {
  std::vector<std::string> ids;
  if (!type_.delete_log) return ids;
  const DeleteLog& log = *type_.delete_log;
  const auto from = moment_of_cursor(since.stamp);
  ListQuery query{log.request, {}, {}};
  query.values.emplace_back("stamp", format_time(type_.stamp->time, from.value_or(Moment{})));
  Lister list(session_, description_.base_url, std::move(query), log.items, log.paging, log.empty);
  auto batch = list.read({}, deadline_);
  while (true) {
    if (!batch) return tl::unexpected(batch.error());
    for (const Json& item : batch->rows) {
      const Json* value = log.id.find(item);
      const auto id = value == nullptr ? std::nullopt : id_from_wire(type_.id, *value);
      if (!id) return tl::unexpected(about(type_, Kind::malformed, "a deleted record without an id: " + found(item)));
      ids.push_back(*id);
    }
    if (batch->last || ids.size() > kMostDeleted) return ids;
    batch = list.read(batch->next, deadline_);
  }
}

Answer<std::vector<Json>> Feed::find(const std::vector<QueryParameter>& query, const Template::Values& values,
                                     std::size_t most) {
  Lister list = whole_list(query, values);
  std::vector<Json> items;
  auto batch = list.read({}, deadline_);
  while (true) {
    if (!batch) return tl::unexpected(batch.error());
    for (Json& item : batch->rows) {
      if (items.size() < most) items.push_back(std::move(item));
    }
    if (batch->last || items.size() >= most) return items;
    batch = list.read(batch->next, deadline_);
  }
}

}  // namespace banyan::legacy::rest
