#include "migration/catalog/xml_root.hpp"

#include <expat.h>

#include <cstddef>
#include <limits>
#include <memory>
#include <type_traits>

namespace banyan::catalog {
namespace {

constexpr char kNamespaceSeparator = '\n';  // expat joins namespace and local name with it
constexpr std::string_view kSoap11 = "http://schemas.xmlsoap.org/soap/envelope/";
constexpr std::string_view kSoap12 = "http://www.w3.org/2003/05/soap-envelope";

struct ExpandedName {
  std::string_view space;
  std::string_view local;
};

ExpandedName expand(std::string_view name) {
  const std::size_t separator = name.rfind(kNamespaceSeparator);
  if (separator == std::string_view::npos) return {{}, name};
  return {name.substr(0, separator), name.substr(separator + 1)};
}

struct Walk {
  XML_Parser parser = nullptr;
  std::size_t depth = 0;   // of the element that is open
  std::string soap_space;  // set inside a SOAP envelope
  bool in_soap_body = false;
  std::optional<std::string> found;
};

// The handlers are called from C, which no exception may cross: running out of memory here ends the process.
void on_start(void* user, const XML_Char* name, const XML_Char**) noexcept {
  Walk& walk = *static_cast<Walk*>(user);
  const auto [space, local] = expand(name);
  ++walk.depth;
  if (walk.depth == 1 && local == "Envelope" && (space == kSoap11 || space == kSoap12)) {
    walk.soap_space = space;
  } else if (walk.depth == 1 || (walk.depth == 3 && walk.in_soap_body)) {
    walk.found = std::string(local);
    XML_StopParser(walk.parser, XML_FALSE);
  } else if (walk.depth == 2) {
    walk.in_soap_body = local == "Body" && space == walk.soap_space;
  }
}

void on_end(void* user, const XML_Char*) noexcept {
  Walk& walk = *static_cast<Walk*>(user);
  --walk.depth;
  if (walk.depth != 1) return;
  if (walk.in_soap_body) XML_StopParser(walk.parser, XML_FALSE);
  walk.in_soap_body = false;
}

void on_document_type(void* user, const XML_Char*, const XML_Char*, const XML_Char*, int) noexcept {
  XML_StopParser(static_cast<Walk*>(user)->parser, XML_FALSE);
}

}  // namespace

std::optional<std::string> find_xml_root(std::string_view text) {
  if (text.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) return std::nullopt;
  const std::unique_ptr<std::remove_pointer_t<XML_Parser>, decltype(&XML_ParserFree)> parser(
      XML_ParserCreateNS(nullptr, kNamespaceSeparator), &XML_ParserFree);
  if (!parser) return std::nullopt;
  Walk walk;
  walk.parser = parser.get();
  XML_SetUserData(parser.get(), &walk);
  XML_SetElementHandler(parser.get(), on_start, on_end);
  XML_SetStartDoctypeDeclHandler(parser.get(), on_document_type);
  // Stopping is reported as an error; what counts is what was found before.
  static_cast<void>(XML_Parse(parser.get(), text.data(), static_cast<int>(text.size()), XML_TRUE));
  return walk.found;
}

}  // namespace banyan::catalog
