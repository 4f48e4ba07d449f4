#include "adapters/legacy/rest/window.hpp"

namespace banyan::legacy::rest {
namespace {

constexpr std::size_t kMostUnreadable = 100;

}  // namespace

void add_unreadable(Page& page, Row row, std::size_t& count) {
  const std::string name = row.record.id.empty() ? "a record" : "record " + row.record.id;
  ++count;
  if (count == 1) page.problem = name + ": " + row.problem;
  if (count > kMostUnreadable) return;
  page.unreadable.push_back(std::move(row.record));
}

bool Window::Less::operator()(const Cursor& a, const Cursor& b) const {
  if (a.stamp != b.stamp) return a.stamp < b.stamp;
  if (a.id.empty() || b.id.empty()) return a.id.empty() && !b.id.empty();
  return compare_ids(*ids, a.id, b.id) < 0;
}

Window::Window(const IdForm& ids, Cursor after, std::size_t limit)
    : after_(std::move(after)), limit_(limit), rows_(Less{&ids}) {}

void Window::add(Row row) {
  if (!row.problem.empty()) {
    const Cursor& place = row.record.cursor;
    const bool is_behind = !place.stamp.empty() && !rows_.key_comp()(after_, place);
    const std::string name = row.record.id.empty() ? "raw " + row.record.fields.dump() : row.record.id;
    if (is_behind || known_unreadable_.contains(name)) return;
    if (known_unreadable_.size() < kMostUnreadable) known_unreadable_.insert(name);
    add_unreadable(page_, std::move(row), unreadable_);
    return;
  }
  if (row.record.cursor.stamp.empty() || !rows_.key_comp()(after_, row.record.cursor)) return;
  Cursor place = row.record.cursor;
  rows_.emplace(std::move(place), std::move(row.record));
  if (rows_.size() > limit_ + 1) rows_.erase(std::prev(rows_.end()));
}

bool Window::is_closed_to(const Cursor& place) const {
  return rows_.size() > limit_ && !rows_.key_comp()(place, rows_.rbegin()->first);
}

Page Window::take() {
  page_.next = after_;
  page_.more = rows_.size() > limit_;
  if (page_.more) rows_.erase(std::prev(rows_.end()));
  for (auto& [place, record] : rows_) {
    page_.next = place;
    page_.records.push_back(std::move(record));
  }
  rows_.clear();
  if (unreadable_ > 1) page_.problem += "; and " + std::to_string(unreadable_ - 1) + " more rows";
  return std::move(page_);
}

}  // namespace banyan::legacy::rest
