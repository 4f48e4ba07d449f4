// What has to be known of Tryton's models beyond what they say of themselves. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "adapters/legacy/tryton/values.hpp"

namespace banyan::legacy::tryton {

// Where the records of a model are shown as a list in a document: the lines of a sale.
struct PartOf {
  std::string field;  // of the part: the many2one to the document
  std::string type;   // the document's model
  std::string list;   // of the document: its one2many
};

// One model. Values pass as values.hpp says.
struct TypeOptions {
  std::vector<std::string> fields{};  // to be read of each record
  Json domain = Json::array();        // a search domain that its records must meet; empty: all of them
  std::string replaced_by{};          // the field that names the record it was merged into; "replaced_by" of a party
  // Its records are documents: what the clients show as read-only in a document's state is refused here, too, for the
  // server would write it.
  bool is_document = false;
  // Its records may change as long as that list may; their document is written along, since it holds their sums.
  std::optional<PartOf> part_of{};
};

// Without fields and domain, which are the caller's.
TypeOptions known_model(const std::string& name);

}  // namespace banyan::legacy::tryton
