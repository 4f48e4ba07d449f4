// What the pointers find in a body is what a parsed document has at those places.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "migration/catalog/json_pointers.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using banyan::catalog::JsonFinding;
  const std::string text(data, data + size);
  banyan::catalog::JsonPointers pointers;
  pointers.add({"method"}, 0, true);
  pointers.add({"params", "0"}, 1);
  pointers.add({"a", "b"}, 2);
  const auto document = nlohmann::json::parse(text, nullptr, false);
  for (const JsonFinding& finding : pointers.find_all(text)) {
    if (document.is_discarded()) std::abort();
    const char* const places[] = {"/method", "/params/0", "/a/b"};
    const auto& value = document.at(nlohmann::json::json_pointer(places[finding.field]));
    const bool is_string = finding.kind == JsonFinding::Kind::string;
    if (value.is_string() != is_string || (finding.field == 0 && !is_string)) std::abort();
    if (is_string && value.get_ref<const std::string&>() != finding.text) std::abort();
    if (value.is_structured() != (finding.kind == JsonFinding::Kind::container)) std::abort();
  }
  return 0;
}
