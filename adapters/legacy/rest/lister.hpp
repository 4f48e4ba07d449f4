// Lister: one list of one system, page by page, in any of the styles of paging.
//
// A place in a list is a page number or an offset (`index`), or what the system gave to go on with (`token`: a cursor,
// or the URL of a Link header).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "adapters/legacy/rest/session.hpp"

namespace banyan::legacy::rest {

struct Place {
  std::uint64_t index = 0;  // from 0: of the page, or of the row
  std::string token;
};

struct Batch {
  Json rows = Json::array();
  Place next;
  bool last = false;  // certainly nothing behind it
};

// What a list holds besides its own query. Values must outlive the Lister's use.
struct ListQuery {
  Operation request;
  std::vector<QueryParameter> more;
  Template::Values values;
};

class Lister {
public:
  Lister(Session& session, const std::string& base_url, ListQuery query, const Pointer& items, const Paging& paging,
         const AnswerRules& empty)
      : session_(session),
        base_url_(base_url),
        query_(std::move(query)),
        items_(items),
        paging_(paging),
        empty_(empty) {}

  // A page that is past the cap of the list is a failure (`rejected`), not an end.
  Answer<Batch> read(const Place& place, Deadline deadline);

  // Whether rows can be counted: pages and offsets.
  bool is_counted() const { return paging_.style == Paging::Style::page || paging_.style == Paging::Style::offset; }

  // Whether a batch that begins there would lie past the cap.
  bool is_past_cap(const Place& place) const;

private:
  Request request_for(const Place& place) const;
  std::string next_url(const std::string& target, const std::string& link) const;

  Session& session_;
  const std::string& base_url_;
  ListQuery query_;
  const Pointer& items_;
  const Paging& paging_;
  const AnswerRules& empty_;
};

}  // namespace banyan::legacy::rest
