#include "adapters/legacy/tryton/models.hpp"

namespace banyan::legacy::tryton {

TypeOptions known_model(const std::string& name) {
  TypeOptions options;
  if (name == "party.party") options.replaced_by = "replaced_by";
  options.is_document = name == "sale.sale";
  if (name == "sale.line") options.part_of = PartOf{"sale", "sale.sale", "lines"};
  return options;
}

}  // namespace banyan::legacy::tryton
