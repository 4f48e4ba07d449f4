#include "gateway/app/settings_schema.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "gateway/base/yaml_scalars.hpp"

namespace banyan::app {
namespace {

using catalog::SubjectSource;
using proxy::Address;
using proxy::Limits;
using proxy::Timeouts;
using proxy::Upstream;
using yaml::Node;
using yaml::Reader;
using namespace std::chrono_literals;

constexpr std::uint64_t kKiB = 1ULL << 10U;
constexpr std::uint64_t kMiB = 1ULL << 20U;
constexpr std::uint64_t kGiB = 1ULL << 30U;
constexpr std::uint64_t kTiB = 1ULL << 40U;

constexpr std::size_t kMostEndpoints = 64;  // the proxy keeps those tried for a request as the bits of a word

Address to_address(yaml::HostPort from) {
  return {std::move(from.host), from.port};
}

Reader<Address> address() {
  return yaml::transform<yaml::HostPort, Address>(yaml::address(), to_address);
}

Reader<Address> endpoint() {
  auto reader = yaml::transform<yaml::HostPort, Address>(yaml::http_url(), to_address);
  auto read = [inner = reader.read](const Node& node, Address& out) {
    if (node.scalar().starts_with("https://")) {
      node.fault(node.describe(), "a URL that starts with http://", "TLS comes with a later version");
      return;
    }
    inner(node, out);
  };
  return {std::move(read), reader.what, {}};
}

Reader<Address> listener() {
  return yaml::object<Address>("a listener")
      .required(
          "address", [](Address& out) -> Address& { return out; }, address())
      .refused("tls", "TLS comes with a later version",
               "the key left out, or a server in front of Banyan that does TLS");
}

Reader<Admin> admin() {
  const Reader<Admin> mapping = yaml::object<Admin>("the admin listener")
                                    .required("address", &Admin::address, address())
                                    .optional("token", &Admin::token, yaml::maybe(yaml::secret()));
  auto read = [inner = mapping.read](const Node& node, Admin& out) {
    inner(node, out);
    const std::string& host = out.address.host;  // empty: not readable
    const bool has_token =
        std::ranges::any_of(node.entries(), [](const auto& entry) { return entry.first == "token"; });
    if (has_token || host.empty() || yaml::is_loopback(host)) return;
    node.fault("no token for the address " + host + ", which others can reach", "the key token: env:NAME or file:PATH",
               "or listen on 127.0.0.1");
  };
  return {std::move(read), mapping.what, mapping.keys};
}

// The whole of a URL may come as a secret; written out, it must not hold a password.
Reader<std::optional<Secret>> store_url() {
  auto read = [](const Node& node, std::optional<Secret>& out) {
    if (is_secret_reference(node.scalar())) return yaml::maybe(yaml::secret()).read(node, out);
    const std::string_view url = node.scalar();
    const std::size_t scheme = url.find("://");
    const std::string_view name = url.substr(0, scheme);
    if (scheme == std::string_view::npos || (name != "postgresql" && name != "postgres")) {
      node.fault("not a PostgreSQL URL",
                 "a URL such as postgresql://banyan@127.0.0.1:5432/banyan, env:NAME or file:PATH");
      return;
    }
    const std::string_view authority = url.substr(scheme + 3, url.find_first_of("/?", scheme + 3) - scheme - 3);
    const std::size_t at = authority.rfind('@');
    const bool has_password =
        (at != std::string_view::npos && authority.substr(0, at).find(':') != std::string_view::npos) ||
        url.find("password=") != std::string_view::npos;
    if (has_password) {
      node.fault("a password written out in the file", "env:NAME or file:PATH for a URL with a password");
      return;
    }
    out = Secret(std::string(url));
  };
  return {std::move(read), "a PostgreSQL URL", {}};
}

Reader<Store> store() {
  const Reader<Store> mapping = yaml::object<Store>("a store")
                                    .required("url", &Store::url, store_url())
                                    .optional("owner_url", &Store::owner_url, store_url());
  const std::string what = "none, or {url: postgresql://…}";
  auto read = [inner = mapping.read, what](const Node& node, Store& out) {
    if (node.kind() == Node::Kind::mapping) {
      out.kind = Store::Kind::url;
      return inner(node, out);
    }
    if (node.scalar() == "none") {
      out.kind = Store::Kind::none;
    } else {
      node.fault(node.describe(), what);
    }
  };
  return {std::move(read), what, mapping.keys};
}

Reader<AccessLog> access_log() {
  const Reader<std::string> file = yaml::path();
  auto log_path = [file](const Node& node, std::string& out) {
    if (node.scalar() == "-") {
      out = "-";
    } else {
      file.read(node, out);
    }
  };
  const Reader<AccessLog> mapping =
      yaml::object<AccessLog>("the access log")
          .required("path", &AccessLog::path, Reader<std::string>{log_path, "a path", {}});
  const std::string what = "off, or {path: \"-\"} for standard output, or {path: FILE}";
  auto read = [inner = mapping.read, what](const Node& node, AccessLog& out) {
    if (node.kind() == Node::Kind::mapping) return inner(node, out);
    if (node.scalar() == "off") {
      out.enabled = false;
    } else {
      node.fault(node.describe(), what);
    }
  };
  return {std::move(read), what, mapping.keys};
}

Reader<ApplicationLog> application_log() {
  using log::Format;
  using log::Level;
  return yaml::object<ApplicationLog>("the application log")
      .optional("level", &ApplicationLog::level,
                yaml::choice<Level>(
                    {{"debug", Level::debug}, {"info", Level::info}, {"warn", Level::warn}, {"error", Level::error}}))
      .optional("format", &ApplicationLog::format,
                yaml::choice<Format>({{"text", Format::text}, {"json", Format::json}}));
}

Reader<Timeouts> timeouts() {
  const auto span = yaml::duration(1ms, 24h);
  return yaml::object<Timeouts>("the timeouts")
      .optional("connect", &Timeouts::connect, span)
      .optional("request_header", &Timeouts::request_header, span)
      .optional("request_body", &Timeouts::request_body, span)
      .optional("response_header", &Timeouts::response_header, span)
      .optional("response_body", &Timeouts::response_body, span)
      .optional("idle", &Timeouts::idle, span)
      .optional("upstream_idle", &Timeouts::upstream_idle, span)
      .optional("upgrade", &Timeouts::upgrade, span);
}

Reader<Limits> limits() {
  return yaml::object<Limits>("the limits")
      .optional("header_bytes", &Limits::header_bytes, yaml::size_of<std::uint32_t>(kKiB, 60 * kKiB))
      .optional("header_count", &Limits::header_count, yaml::integer_of<std::uint32_t>(1, 10'000))
      .optional("body_bytes", &Limits::body_bytes, yaml::size(0, 1024 * kTiB))
      .optional("buffer_bytes", &Limits::buffer_bytes, yaml::size(0, kGiB))
      .optional("inspect_bytes", &Limits::inspect_bytes, yaml::size(0, 64 * kMiB))
      .optional("connections", &Limits::connections, yaml::integer_of<std::uint32_t>(1, 10'000'000))
      .optional("upstream_connections", &Limits::upstream_connections, yaml::integer_of<std::uint32_t>(1, 1'000'000));
}

// The pseudonym in Via is a token of RFC 9110, or a host with a port.
Reader<std::string> via_name() {
  return yaml::scalar<std::string>(
      "a name of letters, digits and -._:", [](std::string_view text) -> std::optional<std::string> {
        constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:";
        if (text.empty() || text.size() > 255 || text.find_first_not_of(kAllowed) != std::string_view::npos) {
          return std::nullopt;
        }
        return std::string(text);
      });
}

Reader<proxy::Options> data_plane() {
  using proxy::Options;
  return yaml::object<Options>("the data plane")
      .optional("threads", &Options::threads, yaml::integer_of<std::uint32_t>(0, 1'024))
      .optional("via_name", &Options::via_name, via_name())
      .optional("trusted_proxies", &Options::trusted_proxies, yaml::list(yaml::network()))
      .optional("timeouts", &Options::timeouts, timeouts())
      .optional("limits", &Options::limits, limits());
}

Reader<Upstream> upstream() {
  using Host = Upstream::Host;
  using Body = Upstream::RequestBody;
  return yaml::object<Upstream>("an upstream")
      .required("endpoints", &Upstream::endpoints, yaml::list(endpoint(), 1, kMostEndpoints))
      .optional("host", &Upstream::host, yaml::choice<Host>({{"keep", Host::keep}, {"endpoint", Host::endpoint}}))
      .optional("request_body", &Upstream::request_body,
                yaml::choice<Body>({{"stream", Body::stream}, {"buffer", Body::buffer}}))
      .optional("retry_after_failure", &Upstream::retry_after_failure, yaml::duration(0ms, 1h));
}

// The name of a header or a cookie (RFC 9110 section 5.6.2); another one would never be found.
Reader<std::string> token(const std::string& what) {
  return yaml::scalar<std::string>(what, [](std::string_view text) -> std::optional<std::string> {
    constexpr std::string_view kAllowed =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~";
    if (text.empty() || text.find_first_not_of(kAllowed) != std::string_view::npos) return std::nullopt;
    return std::string(text);
  });
}

// The key of a subject source: {header: X-User}.
Reader<SubjectSource> keyed_subject() {
  auto source = [](SubjectSource::Kind kind, Reader<std::string> name) {
    return yaml::transform<std::string, SubjectSource>(std::move(name), [kind](std::string key) {
      return SubjectSource{kind, std::move(key)};
    });
  };
  const auto whole = [](SubjectSource& out) -> SubjectSource& { return out; };
  const Reader<SubjectSource> object =
      yaml::object<SubjectSource>("a subject source")
          .optional("header", whole, source(SubjectSource::Kind::header, token("the name of a header, as X-User")))
          .optional("cookie", whole, source(SubjectSource::Kind::cookie, token("the name of a cookie, as session")))
          .optional("jwt", whole, source(SubjectSource::Kind::jwt, yaml::text()));
  auto read = [inner = object.read](const Node& node, SubjectSource& out) {
    if (node.entries().size() == 1) return inner(node, out);
    node.fault("a mapping with " + std::to_string(node.entries().size()) + " keys",
               "exactly one of header, cookie or jwt");
  };
  return {std::move(read), object.what, object.keys};
}

Reader<SubjectSource> subject_source() {
  using Kind = SubjectSource::Kind;
  const Reader<SubjectSource> keyed = keyed_subject();
  const std::string what = "one of {header: NAME}, {cookie: NAME}, {jwt: CLAIM}, basic, tryton or address";
  auto read = [keyed, what](const Node& node, SubjectSource& out) {
    if (node.kind() == Node::Kind::mapping) return keyed.read(node, out);
    if (node.scalar() == "basic") {
      out = {Kind::basic, {}};
    } else if (node.scalar() == "tryton") {
      out = {Kind::tryton, {}};
    } else if (node.scalar() == "address") {
      out = {Kind::address, {}};
    } else {
      node.fault(node.describe(), what);
    }
  };
  return {std::move(read), what, keyed.keys};
}

// Reports at the key `address` of a listener.
void fault_at_address(const Node& listener, std::string found, std::string expected) {
  for (const auto& [key, child] : listener.entries()) {
    if (key == "address") return child.fault(std::move(found), std::move(expected));
  }
}

// Whether both can only want one port. Port 0 is another one each time; an address that could not be read has it too.
bool are_same(const Address& a, const Address& b) {
  return a.port != 0 && a.port == b.port && a.host == b.host;
}

}  // namespace

void take_listeners(SettingsFile& file) {
  std::vector<Address>& taken = file.settings.proxy.listen;
  const auto check = [&taken](const Node& node, const Address& address) {
    const auto first = std::ranges::find_if(taken, [&](const Address& other) { return are_same(address, other); });
    if (first == taken.end()) return;
    fault_at_address(node, "the address of listen[" + std::to_string(first - taken.begin()) + "] a second time",
                     "an address of its own for each listener");
  };
  for (Placed<Address>& listener : file.listen) {
    check(*listener.node, listener.value);
    taken.push_back(std::move(listener.value));
  }
  if (!file.admin.node) return;
  check(*file.admin.node, file.admin.value.address);
  file.settings.admin = std::move(file.admin.value);
}

Reader<SettingsFile> settings_schema() {
  const auto proxy_of = [](SettingsFile& file) -> proxy::Options& { return file.settings.proxy; };
  const auto set_name = [](Upstream& upstream, const std::string& name, const Node&) { upstream.name = name; };
  return yaml::object<SettingsFile>("the settings")
      .required("listen", &SettingsFile::listen,
                yaml::list(placed(listener()), 1, yaml::kAnyNumber, yaml::Faulty::kept))
      .optional("admin", &SettingsFile::admin, placed(admin()))
      .optional(
          "data_dir", [](SettingsFile & file) -> auto& { return file.settings.data_dir; }, yaml::path())
      .optional(
          "store", [](SettingsFile & file) -> auto& { return file.settings.store; }, store())
      .optional(
          "access_log", [](SettingsFile & file) -> auto& { return file.settings.access_log; }, access_log())
      .optional(
          "log", [](SettingsFile & file) -> auto& { return file.settings.log; }, application_log())
      .optional("proxy", proxy_of, data_plane())
      .required(
          "upstreams", [](SettingsFile & file) -> auto& { return file.settings.proxy.upstreams; },
          yaml::named(upstream(), set_name))
      .optional(
          "subject", [](SettingsFile & file) -> auto& { return file.settings.proxy.subject; },
          yaml::list(subject_source()))
      .optional("functions", &SettingsFile::functions,
                yaml::list(function_schema(), 0, yaml::kAnyNumber, yaml::Faulty::kept))
      .optional("ontology", &SettingsFile::ontology, yaml::one_or_many(yaml::path()))
      .optional("sync", &SettingsFile::sync, placed(sync_schema()));
}

}  // namespace banyan::app
