// The name found is one that the text spells out, and never that of a SOAP envelope or behind a document type.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "migration/catalog/xml_root.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  const auto root = banyan::catalog::find_xml_root(text);
  if (root && root->empty()) std::abort();
  if (root != banyan::catalog::find_xml_root(text)) std::abort();
  // What follows the element does not change the answer; a document type before it always does.
  if (root && banyan::catalog::find_xml_root(text + "<<<&") != root) std::abort();
  if (banyan::catalog::find_xml_root("<!DOCTYPE x>" + text)) std::abort();
  return 0;
}
