#include "gateway/base/yaml_schema.hpp"

#include "gateway/base/nearest.hpp"

namespace banyan::yaml::detail {

std::string listed(const std::vector<std::string>& words, std::string_view last_joint) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? last_joint : ", ";
    out += words[i];
  }
  return out;
}

void fault_unknown_key(const Node& value, const std::string& key, const std::vector<std::string>& known) {
  const auto near = nearest(key, known);
  value.fault("unknown key", known.size() == 1 ? known.front() : "one of " + listed(known, " or "),
              near ? "did you mean \"" + *near + "\"?" : "");
}

}  // namespace banyan::yaml::detail
