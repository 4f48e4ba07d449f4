#include "adapters/legacy/rest/description.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "adapters/legacy/http_settings.hpp"
#include "adapters/legacy/rest/description_schema.hpp"
#include "gateway/base/nearest.hpp"
#include "gateway/base/yaml_scalars.hpp"

namespace banyan::legacy::rest {
namespace {

using yaml::Node;
using yaml::Reader;
using namespace std::chrono_literals;

Reader<double> rate() {
  return yaml::scalar<double>("a number from 0.001 to 10000", [](std::string_view text) -> std::optional<double> {
    const std::size_t point = text.find('.');
    const auto whole = yaml::parse_unsigned(text.substr(0, point));
    double value = whole ? static_cast<double>(*whole) : -1;
    if (point != std::string_view::npos) {
      const std::string_view decimals = text.substr(point + 1);
      const auto part = decimals.size() <= 3 ? yaml::parse_unsigned(decimals) : std::nullopt;
      if (!part) return std::nullopt;
      double scaled = static_cast<double>(*part);
      for (std::size_t i = 0; i < decimals.size(); ++i) scaled /= 10;
      value += scaled;
    }
    return value >= 0.001 && value <= 10'000 ? std::optional(value) : std::nullopt;
  });
}

// A header value that reaches the peer as it is: no control characters, no space around it.
Reader<std::string> header_value() {
  return yaml::scalar<std::string>(
      "the value of a header field", [](std::string_view text) -> std::optional<std::string> {
        const bool clean =
            std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) >= ' ' && c != '\x7f'; });
        if (text.empty() || !clean || text.front() == ' ' || text.back() == ' ') return std::nullopt;
        return std::string(text);
      });
}

Reader<ClientCredentials> client_credentials() {
  using Form = ClientCredentials;
  return yaml::object<Form>("OAuth 2.0 client credentials")
      .required("token_url", &Form::token_url, base_url())
      .required("client_id", &Form::client_id, yaml::text())
      .required("client_secret", &Form::client_secret, yaml::secret())
      .optional("scope", &Form::scope, yaml::text())
      .optional("secret_in", &Form::secret_in_body, yaml::choice<bool>({{"header", false}, {"body", true}}))
      .optional("refresh_before", &Form::refresh_before, yaml::duration(0ms, 1h));
}

// Exactly one way to log in.
Reader<Auth> auth() {
  const auto whole = [](Auth& out) -> Auth& { return out; };
  const Reader<HeaderKey> key = yaml::object<HeaderKey>("a key in a header")
                                    .required("name", &HeaderKey::name, schema::header_name())
                                    .required("value", &HeaderKey::value, yaml::secret());
  const Reader<BasicLogin> basic = yaml::object<BasicLogin>("a user with a password")
                                       .required("user", &BasicLogin::user, yaml::text())
                                       .required("password", &BasicLogin::password, yaml::secret());
  const auto bearer =
      yaml::transform<Secret, Auth>(yaml::secret(), [](Secret token) -> Auth { return BearerToken{std::move(token)}; });
  const Reader<Auth> mapping =
      yaml::object<Auth>("how to log in")
          .optional("header", whole, yaml::transform<HeaderKey, Auth>(key, [](HeaderKey from) -> Auth { return from; }))
          .optional("basic", whole,
                    yaml::transform<BasicLogin, Auth>(basic, [](BasicLogin from) -> Auth { return from; }))
          .optional("bearer", whole, bearer)
          .optional("oauth2", whole,
                    yaml::transform<ClientCredentials, Auth>(client_credentials(),
                                                             [](ClientCredentials from) -> Auth { return from; }));
  auto read = [inner = mapping.read](const Node& node, Auth& out) {
    inner(node, out);
    if (node.kind() == Node::Kind::mapping && node.entries().size() != 1) {
      node.fault(node.entries().empty() ? "no way to log in" : "several ways to log in",
                 "one of header, basic, bearer or oauth2");
    }
  };
  return {std::move(read), mapping.what, mapping.keys};
}

Reader<std::vector<FixedHeader>> headers() {
  auto read = [inner = header_value().read](const Node& node, FixedHeader& out) { inner(node, out.value); };
  const auto set_name = [](FixedHeader& out, const std::string& name, const Node& node) {
    out.name = name;
    if (name.find_first_of(" :\r\n\t") != std::string::npos)
      node.fault(yaml::in_quotes(name), "the name of a header field");
  };
  return yaml::named(Reader<FixedHeader>{std::move(read), "the value of a header field", {}}, set_name);
}

Reader<FailureMark> failure_mark() {
  return yaml::object<FailureMark>("how a failure in a good answer is known")
      .required(
          "at", [](FailureMark& out) -> Pointer& { return out.mark.at; }, schema::pointer())
      .required(
          "is", [](FailureMark& out) -> std::string& { return out.mark.is; }, yaml::text())
      .optional("message", &FailureMark::message, yaml::maybe(schema::pointer()));
}

void check_parents(const Node& node, const RestDescription& description) {
  std::vector<std::string> roots;
  for (const RestType& type : description.types) {
    if (!type.parent) roots.push_back(type.name);
  }
  for (const RestType& type : description.types) {
    if (!type.parent || std::ranges::find(roots, type.parent->type) != roots.end()) continue;
    const auto near = nearest(type.parent->type, roots);
    const Node place = schema::entry(schema::entry(schema::entry(node, "types"), type.name), "parent");
    schema::entry(place, "type")
        .fault(yaml::in_quotes(type.parent->type), "the name of a type that has no parent itself",
               near ? "did you mean \"" + *near + "\"?" : "");
  }
}

}  // namespace

const RestType* RestDescription::type(const std::string& name) const {
  const auto found = std::ranges::find(types, name, &RestType::name);
  return found == types.end() ? nullptr : &*found;
}

Reader<RestDescription> rest_description() {
  const auto set_name = [](RestType& out, const std::string& name, const Node&) { out.name = name; };
  return yaml::object<RestDescription>("a REST system")
      .required("base_url", &RestDescription::base_url, legacy::base_url())
      .optional("ca_file", &RestDescription::ca_file, legacy::ca_file())
      .optional("auth", &RestDescription::auth, auth())
      .optional("headers", &RestDescription::headers, headers())
      .optional("answer_bytes", &RestDescription::answer_bytes, yaml::size(1ULL << 10U, 1ULL << 30U))
      .optional("record_bytes", &RestDescription::record_bytes, yaml::size(1ULL << 10U, 1ULL << 30U))
      .optional("calls_per_second", &RestDescription::calls_per_second, yaml::maybe(rate()))
      .optional("failure", &RestDescription::failure, yaml::maybe(failure_mark()))
      .required("types", &RestDescription::types, yaml::named(schema::type(), set_name))
      .check(check_parents);
}

tl::expected<RestDescription, std::vector<Fault>> read_rest_description(const yaml::Document& document,
                                                                        const Node& node) {
  RestDescription description;
  const std::size_t before = node.faults_so_far();
  rest_description().read(node, description);
  if (node.faults_so_far() != before) return tl::unexpected(document.faults());
  return description;
}

namespace {

tl::expected<RestDescription, std::vector<Fault>> read_whole(
    const tl::expected<yaml::Document, std::vector<Fault>>& document) {
  if (!document) return tl::unexpected(document.error());
  auto description = read_rest_description(*document, document->root());
  if (description && !document->faults().empty()) return tl::unexpected(document->faults());
  return description;
}

}  // namespace

tl::expected<RestDescription, std::vector<Fault>> load_rest_description(const std::string& path) {
  return read_whole(yaml::Document::load(path));
}

tl::expected<RestDescription, std::vector<Fault>> parse_rest_description(const std::string& text,
                                                                         const std::string& file,
                                                                         const std::string& directory) {
  return read_whole(yaml::Document::parse(text, file, directory));
}

}  // namespace banyan::legacy::rest
