// The table recognises a form field exactly if a plain reading of the body finds it.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "migration/catalog/percent.hpp"
#include "migration/catalog/route_table.hpp"

namespace {

using namespace banyan::catalog;

std::shared_ptr<const RouteTable> table_for_field() {
  Match match;
  match.predicates.push_back({Predicate::Source::form, "a", {TextPattern::Kind::equals, "1"}});
  FunctionSpec spec;
  spec.name = "f";
  spec.matches.push_back(match);
  return compile({spec}, {"legacy"}).table;
}

bool has_field(const std::string& body) {
  std::size_t seen = 0;
  for (std::size_t begin = 0; begin <= body.size();) {
    const std::size_t end = std::min(body.find('&', begin), body.size());
    const std::string pair = body.substr(begin, end - begin);
    const std::size_t equals = std::min(pair.find('='), pair.size());
    std::string name;
    std::string value;
    append_form_decoded(pair.substr(0, equals), name);
    append_form_decoded(pair.substr(std::min(equals + 1, pair.size())), value);
    if (name == "a" && value == "1") return true;
    if (name == "a" && ++seen == 64) return false;  // the documented bound
    begin = end + 1;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto table = table_for_field();
  const std::string body(data, data + size);
  const HeaderField type{"Content-Type", "application/x-www-form-urlencoded"};
  const RequestView request{"POST", "h", "/", "", {&type, 1}};
  const bool recognised = table->recognise(request, {BodyView::State::complete, body}).function == 0;
  if (recognised != has_field(body)) std::abort();
  return 0;
}
