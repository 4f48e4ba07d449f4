#include "adapters/legacy/http_settings.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

#include "adapters/legacy/http_client.hpp"
#include "gateway/base/yaml_scalars.hpp"

namespace banyan::legacy {
namespace {

bool is_url(std::string_view text) {
  const std::size_t scheme = text.starts_with("https://") ? 8 : text.starts_with("http://") ? 7 : 0;
  if (scheme == 0) return false;
  const std::size_t path = std::min(text.find('/', scheme), text.size());
  const std::string_view authority = text.substr(scheme, path - scheme);
  if (!yaml::parse_http_url("http://" + std::string(authority))) return false;
  const auto is_plain = [](char c) { return c > ' ' && c < '\x7f' && c != '?' && c != '#' && c != '@'; };
  return std::ranges::all_of(text, is_plain) && is_base_url(std::string(text));
}

}  // namespace

yaml::Reader<std::string> base_url() {
  return yaml::scalar<std::string>("a URL such as https://crm.example/api",
                                   [](std::string_view text) -> std::optional<std::string> {
                                     if (!is_url(text)) return std::nullopt;
                                     while (text.ends_with('/')) text.remove_suffix(1);
                                     return std::string(text);
                                   });
}

yaml::Reader<std::string> ca_file() {
  auto read = [](const yaml::Node& node, std::string& out) {
    yaml::path().read(node, out);
    if (out.empty()) return;
    if (const auto fault = fault_in_ca_file(out)) node.fault(*fault, "a PEM file of certificates");
  };
  return {std::move(read), "a path", {}};
}

}  // namespace banyan::legacy
