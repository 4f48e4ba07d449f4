// The reading half of one record type: changes, scans, deletes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "adapters/legacy/rest/lister.hpp"
#include "adapters/legacy/rest/row.hpp"
#include "adapters/legacy/rest/session.hpp"
#include "adapters/legacy/rest/window.hpp"

namespace banyan::legacy::rest {

// Turns one object of a list into the rows that it stands for: itself, or the children within it.
class RowSource {
public:
  virtual ~RowSource() = default;
  virtual std::vector<Row> rows_of(const Json& item) const = 0;
  virtual const IdForm& ids() const = 0;  // of the rows: gives their order
};

// Of one type that has lists of its own. Made for one call; must not outlive what it was made from.
class Feed {
public:
  Feed(Session& session, const RestDescription& description, const RestType& type, const RowSource& source,
       Deadline deadline)
      : session_(session), description_(description), type_(type), source_(source), deadline_(deadline) {}

  Answer<Page> changes(const Cursor& after, std::size_t limit);
  // A position that scan() did not give is `rejected`. The rows of one object stay together, above the limit too.
  Answer<Page> scan(const std::string& position, std::size_t limit);
  Answer<std::vector<std::string>> deleted_since(const Cursor& since);
  // What a query of its own finds, at most `most` objects.
  Answer<std::vector<Json>> find(const std::vector<QueryParameter>& query, const Template::Values& values,
                                 std::size_t most);

private:
  // What a page of a change feed reaches over.
  struct Span {
    std::optional<Moment> lowest;
    std::optional<Moment> highest;
    bool rises = true;
    bool falls = true;
    std::string last_id;
  };
  struct Position {
    std::uint64_t index = 0;
    std::string last;
  };

  Lister change_list(const std::vector<QueryParameter>& tie, const std::optional<Moment>& from,
                     const std::string& id) const;
  Lister whole_list(const std::vector<QueryParameter>& more, const Template::Values& values) const;
  // list.read(); a page of rows none of which has an id is an answer against the protocol.
  Answer<Batch> read_rows(Lister& list, const Place& place) const;
  // The batch behind one; sets `moved` if rows went from one to the other meanwhile, so that some may be left out.
  Answer<Batch> following(Lister& list, const Place& here, const Batch& batch, bool& moved) const;

  Span add(Window& window, const Batch& batch) const;
  std::optional<Failure> read_forward(Window& window, const Cursor& after);
  std::optional<Failure> read_tie(Window& window, Moment stamp, std::string id);
  std::optional<Failure> read_pages(Window& window, const std::optional<Moment>& from);
  std::optional<Failure> read_by_id(Window& window);
  Failure out_of_order(const char* order) const;
  Failure keeps_moving() const;

  Answer<Page> scan_by_id(const std::string& position, std::size_t limit);
  Answer<Page> scan_counted(const std::string& position, std::size_t limit);
  Answer<Page> scan_linked(const std::string& position);
  Answer<Page> scan_whole(const std::string& position, std::size_t limit);
  Answer<Page> go_back(Lister& list, const Position& position, std::size_t limit);
  Page emitted(const Batch& batch, std::uint64_t index, std::size_t from, std::size_t limit) const;
  void emit(Page& page, const Json& item, std::size_t& unreadable) const;
  std::string key_of(const Json& item) const;

  Session& session_;
  const RestDescription& description_;
  const RestType& type_;
  const RowSource& source_;
  Deadline deadline_;
};

}  // namespace banyan::legacy::rest
