// The element by which an XML body is recognised.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace banyan::catalog {

// Local name of the root element; for a SOAP 1.1 or 1.2 envelope, of the first element in its Body. Reads no further
// than that element, so what follows may be malformed. Nothing if the text is malformed before it, if it has a document
// type declaration (entities are never expanded), or if the envelope's Body is empty or missing.
std::optional<std::string> find_xml_root(std::string_view text);

}  // namespace banyan::catalog
