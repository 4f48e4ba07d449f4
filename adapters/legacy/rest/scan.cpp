// Scans: every record once, although records come and go between two pages.
#include <algorithm>
#include <utility>

#include "adapters/legacy/rest/feed.hpp"
#include "adapters/legacy/rest/wire_json.hpp"

namespace banyan::legacy::rest {
namespace {

using Kind = Failure::Kind;
using Style = Paging::Style;

Failure about(const RestType& type, Kind kind, const std::string& what) {
  return {kind, "scan of " + type.name + ": " + what, std::nullopt};
}

std::string position_text(std::uint64_t index, const std::string& last) {
  return wire_text(Json{{"index", index}, {"last", last}});
}

}  // namespace

void Feed::emit(Page& page, const Json& item, std::size_t& unreadable) const {
  for (Row& row : source_.rows_of(item)) {
    if (!row.problem.empty()) {
      add_unreadable(page, std::move(row), unreadable);
    } else if (!row.record.deleted) {
      row.record.cursor = {};
      page.records.push_back(std::move(row.record));
    }
  }
}

// The rows of a batch from one on. The position names the last of them and where it stood.
Page Feed::emitted(const Batch& batch, std::uint64_t index, std::size_t from, std::size_t limit) const {
  Page page;
  std::size_t unreadable = 0;
  const std::size_t end = std::min(batch.rows.size(), from + std::max<std::size_t>(limit, 1));
  for (std::size_t i = from; i < end; ++i) emit(page, batch.rows[i], unreadable);
  if (end > from) {
    const bool rows_count = type_.list->paging.style == Style::offset;
    page.next.id = position_text(rows_count ? index + end - 1 : index, key_of(batch.rows[end - 1]));
  }
  page.more = end > from && (end < batch.rows.size() || !batch.last);
  return page;
}

// A row that was there is elsewhere now: looks for it before its old place, and goes on behind it. If it is gone and
// the rows are in order of id, with the next greater one; else from the beginning, which repeats rows and loses none.
Answer<Page> Feed::go_back(Lister& list, const Position& position, std::size_t limit) {
  const std::uint64_t step = type_.list->paging.style == Style::page ? 1 : type_.list->paging.size;
  for (std::uint64_t index = position.index;; index -= std::min(index, step)) {
    const auto batch = read_rows(list, {index, ""});
    if (!batch) return tl::unexpected(batch.error());
    const Json& rows = batch->rows;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (key_of(rows[i]) == position.last && i + 1 < rows.size()) return emitted(*batch, index, i + 1, limit);
    }
    const auto above = [this, &position](const Json& item) {
      return compare_ids(type_.id, key_of(item), position.last) > 0;
    };
    const bool in_order = std::ranges::is_sorted(
        rows, [this](const Json& a, const Json& b) { return compare_ids(type_.id, key_of(a), key_of(b)) < 0; });
    if (in_order && !rows.empty() && !above(rows.front()) && above(rows.back())) {
      const auto first = std::ranges::find_if(rows, above);
      return emitted(*batch, index, static_cast<std::size_t>(first - rows.begin()), limit);
    }
    if (index == 0) return emitted(*batch, 0, 0, limit);
  }
}

Answer<Page> Feed::scan_counted(const std::string& text, std::size_t limit) {
  Lister list = whole_list({}, {});
  if (text.empty()) {
    const auto batch = read_rows(list, {});
    if (!batch) return tl::unexpected(batch.error());
    return emitted(*batch, 0, 0, limit);
  }
  const auto parsed = parse_wire(text);
  if (!parsed || !parsed->is_object() || !parsed->contains("index") || !parsed->at("index").is_number_unsigned() ||
      !parsed->contains("last") || !parsed->at("last").is_string()) {
    return tl::unexpected(about(type_, Kind::rejected, "no position of this scan"));
  }
  const Position position{parsed->at("index").get<std::uint64_t>(), parsed->at("last").get<std::string>()};
  const bool pages = type_.list->paging.style == Style::page;
  // The page ahead is read before the one that proves that nothing moved between them.
  const Place place_ahead{position.index + 1, ""};
  const bool can_read_ahead = pages && !list.is_past_cap(place_ahead);
  Answer<Batch> ahead = can_read_ahead ? read_rows(list, place_ahead) : Answer<Batch>(Batch{});
  if (!ahead) return tl::unexpected(ahead.error());
  const auto here = read_rows(list, {position.index, ""});
  if (!here) return tl::unexpected(here.error());
  const auto found = std::ranges::find_if(here->rows, [&](const Json& item) { return key_of(item) == position.last; });
  if (found == here->rows.end() || (!pages && found != here->rows.begin())) return go_back(list, position, limit);
  const std::size_t behind = static_cast<std::size_t>(found - here->rows.begin()) + 1;
  if (behind < here->rows.size()) return emitted(*here, position.index, behind, limit);
  if (here->last || !pages) {  // an offset list that holds only the row we know has come to its end
    Page page;
    page.next.id = text;
    return page;
  }
  if (!can_read_ahead) return tl::unexpected(read_rows(list, place_ahead).error());
  Page page = emitted(*ahead, position.index + 1, 0, limit);
  if (ahead->rows.empty()) page.next.id = text;
  return page;
}

Answer<Page> Feed::scan_by_id(const std::string& position, std::size_t limit) {
  Template::Values values;
  if (!position.empty()) values.emplace_back("id", position);
  Lister list = whole_list(type_.scan_after, values);
  const auto batch = read_rows(list, {});
  if (!batch) return tl::unexpected(batch.error());
  Page page;
  page.next.id = position;
  std::size_t unreadable = 0;
  bool advanced = false;
  for (const Json& item : batch->rows) {
    const std::string key = key_of(item);
    const bool has_id = is_id(type_.id, key);
    const int order = !has_id || page.next.id.empty() ? 1 : compare_ids(type_.id, key, page.next.id);
    if (type_.id.number && order < 0 && advanced) {
      return tl::unexpected(about(type_, Kind::malformed, "the rows of scan_after are not in order of id"));
    }
    // Texts are in the order of the system, which need not be that of their bytes.
    if (type_.id.number ? order <= 0 : key == position) continue;
    if (advanced && page.records.size() >= limit) {
      page.more = true;
      return page;
    }
    emit(page, item, unreadable);
    if (has_id) page.next.id = key, advanced = true;
  }
  if (!batch->last && !advanced) {
    return tl::unexpected(about(type_, Kind::malformed, "the query of scan_after does not lead behind id " + position));
  }
  page.more = !batch->last;
  return page;
}

Answer<Page> Feed::scan_linked(const std::string& position) {
  Lister list = whole_list({}, {});
  const auto batch = read_rows(list, {0, position});
  if (!batch) return tl::unexpected(batch.error());
  Page page;
  std::size_t unreadable = 0;
  for (const Json& item : batch->rows) emit(page, item, unreadable);
  page.next.id = batch->last ? position : batch->next.token;
  page.more = !batch->last;
  return page;
}

Answer<Page> Feed::scan_whole(const std::string& position, std::size_t limit) {
  Lister list = whole_list({}, {});
  auto batch = read_rows(list, {});
  if (!batch) return tl::unexpected(batch.error());
  std::vector<std::pair<std::string, const Json*>> items;
  for (const Json& item : batch->rows) {
    std::string key = key_of(item);
    if (position.empty() || compare_ids(type_.id, key, position) > 0) items.emplace_back(std::move(key), &item);
  }
  std::ranges::sort(items,
                    [this](const auto& a, const auto& b) { return compare_ids(type_.id, a.first, b.first) < 0; });
  Page page;
  page.next.id = position;
  page.more = items.size() > limit;
  if (page.more) items.resize(std::max<std::size_t>(limit, 1));
  std::size_t unreadable = 0;
  for (const auto& [key, item] : items) {
    emit(page, *item, unreadable);
    page.next.id = key;
  }
  return page;
}

Answer<Page> Feed::scan(const std::string& position, std::size_t limit) {
  if (!type_.scan_after.empty()) return scan_by_id(position, limit);
  switch (type_.list->paging.style) {
    case Style::page:
    case Style::offset:
      return scan_counted(position, limit);
    case Style::cursor:
    case Style::link:
      return scan_linked(position);
    case Style::none:
      break;
  }
  return scan_whole(position, limit);
}

}  // namespace banyan::legacy::rest
