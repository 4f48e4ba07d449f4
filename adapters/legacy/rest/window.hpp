// Window: the first rows behind a cursor, out of any number of rows in any order, in bounded memory.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "adapters/legacy/legacy_system.hpp"
#include "adapters/legacy/rest/row.hpp"

namespace banyan::legacy::rest {

class Window {
public:
  // Keeps at most `limit` rows. Empty parts of `after` lie before everything.
  Window(const IdForm& ids, Cursor after, std::size_t limit);

  // A row that lies behind the cursor and has a place in the feed; a second one in the same place is dropped. Rows with
  // a problem are kept apart.
  void add(Row row);

  // Whether no row at this place or behind it can still be among the first.
  bool is_closed_to(const Cursor& place) const;

  // The rows in order. Page::next is the last one's cursor, or `after`.
  Page take();

private:
  struct Less {
    const IdForm* ids;
    bool operator()(const Cursor& a, const Cursor& b) const;
  };

  Cursor after_;
  std::size_t limit_;
  std::map<Cursor, LegacyRecord, Less> rows_;  // one more than the limit at most
  Page page_;
  std::size_t unreadable_ = 0;
  std::set<std::string> known_unreadable_;  // pages overlap
};

// Adds an unreadable row to a page; of many, the page keeps the first hundred and the number of all.
void add_unreadable(Page& page, Row row, std::size_t& count);

}  // namespace banyan::legacy::rest
