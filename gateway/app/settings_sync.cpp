// Reads `ontology` and `sync`, and the files that they name. Faults of those files are reported with their own lines.
#include "gateway/app/settings_sync.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <set>
#include <utility>

#include "adapters/legacy/http_settings.hpp"
#include "adapters/sync/mapping_shape.hpp"
#include "gateway/app/settings_schema.hpp"
#include "gateway/base/yaml_scalars.hpp"

namespace banyan::app {
namespace {

using yaml::Node;
using yaml::Reader;
using namespace std::chrono_literals;

Reader<legacy::tryton::TrytonOptions> tryton_access() {
  using legacy::tryton::RpcOptions;
  using legacy::tryton::TrytonOptions;
  const auto rpc = [](auto RpcOptions::*member) {
    return [member](TrytonOptions & out) -> auto& {
      return out.rpc.*member;
    };
  };
  return yaml::object<TrytonOptions>("access to a Tryton server")
      .required("url", rpc(&RpcOptions::url), legacy::base_url())
      .required("database", rpc(&RpcOptions::database), yaml::text())
      .required("user", rpc(&RpcOptions::user), yaml::text())
      .required("password", rpc(&RpcOptions::password), yaml::secret())
      .optional("ca_file", rpc(&RpcOptions::ca_file), legacy::ca_file())
      .optional("page", &TrytonOptions::page_limit, yaml::integer_of<std::size_t>(1, 5'000))
      .optional("overlap", &TrytonOptions::overlap, yaml::duration(0ms, 1h));
}

Reader<double> rate() {
  return yaml::scalar<double>("calls per second, 0.01 to 100000", [](std::string_view text) -> std::optional<double> {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < 0.01 || value > 100'000)
      return std::nullopt;
    return value;
  });
}

Reader<SyncEntry> system_schema() {
  const auto stream = [](auto sync::StreamOptions::*member) {
    return [member](SyncEntry & out) -> auto& {
      return out.system.stream.*member;
    };
  };
  const auto field = [](auto SyncSystem::*member) {
    return [member](SyncEntry & out) -> auto& {
      return out.system.*member;
    };
  };
  return yaml::object<SyncEntry>("a legacy system")
      .optional("tryton", field(&SyncSystem::tryton), yaml::maybe(tryton_access()))
      .optional("rest", &SyncEntry::rest, placed(yaml::path()))
      .required("mapping", &SyncEntry::mapping, placed(yaml::path()))
      .optional("upstream", &SyncEntry::upstream, placed(yaml::text()))
      .optional("backfill", field(&SyncSystem::backfill), yaml::choice<bool>({{"auto", true}, {"manual", false}}))
      .optional("push", stream(&sync::StreamOptions::may_push), yaml::boolean())
      .optional("calls_per_second", field(&SyncSystem::calls_per_second), yaml::maybe(rate()))
      .optional("poll_interval", stream(&sync::StreamOptions::poll_interval), yaml::duration(10ms, 1h))
      .optional("sweep_interval", stream(&sync::StreamOptions::sweep_interval), yaml::duration(1s, 168h))
      .optional("overlap_least", stream(&sync::StreamOptions::overlap_least), yaml::duration(0ms, 1h))
      .optional("overlap_most", stream(&sync::StreamOptions::overlap_most), yaml::duration(0ms, 24h))
      .optional("call_deadline", stream(&sync::StreamOptions::call_deadline), yaml::duration(100ms, 10min))
      .optional("clock_uncertainty", stream(&sync::StreamOptions::clock_uncertainty), yaml::duration(0ms, 1h))
      .optional("damper_writes", stream(&sync::StreamOptions::damper_writes),
                yaml::integer_of<std::int32_t>(1, 1'000'000))
      .optional("damper_window", stream(&sync::StreamOptions::damper_window), yaml::duration(1s, 24h))
      .check([](const Node& node, const SyncEntry& entry) {
        const int given = (entry.system.tryton ? 1 : 0) + (entry.rest.node ? 1 : 0);
        if (given == 1) return;
        node.fault(given == 0 ? "no adapter" : "two adapters", "exactly one of tryton and rest");
      });
}

void append(std::vector<Fault>& faults, std::vector<Fault> more) {
  faults.insert(faults.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

// What the mapping needs of each Tryton model: the fields that any of its streams reads, and the tables.
void tell_tryton(SyncSystem& system) {
  auto& types = system.tryton->types;
  for (const auto& stream : system.mapping.streams) {
    auto& type = types.try_emplace(stream->type(), legacy::tryton::known_model(stream->type())).first->second;
    std::set<std::string> fields(type.fields.begin(), type.fields.end());
    for (const std::string& field : stream->legacy_fields()) fields.insert(field);
    type.fields.assign(fields.begin(), fields.end());
    if (stream->scope().is_array() && !stream->scope().empty()) type.domain = stream->scope();
  }
  for (const auto& table : system.mapping.tables) {
    auto& fields = types[table->type()].fields;
    if (std::find(fields.begin(), fields.end(), table->key()) == fields.end()) fields.push_back(table->key());
  }
  system.tryton->calls_per_second = system.calls_per_second;
}

// The fields of a type without declared ones are not known: every member of an object is one.
sync::LegacyShape shape_of(const legacy::rest::RestDescription& description) {
  sync::LegacyShape shape;
  for (const legacy::rest::RestType& type : description.types) {
    std::vector<std::string>& fields = shape[type.name];
    for (const legacy::rest::FieldForm& field : type.fields) fields.push_back(field.name);
    if (!fields.empty() && type.parent) fields.push_back(type.parent->field);
  }
  return shape;
}

void check_upstream(const SyncEntry& entry, const Settings& settings) {
  if (!entry.upstream.is_known()) return;
  const auto& upstreams = settings.proxy.upstreams;
  const bool known = std::any_of(upstreams.begin(), upstreams.end(), [&](const proxy::Upstream& upstream) {
    return upstream.name == entry.upstream.value;
  });
  if (!known) entry.upstream.node->fault(entry.upstream.node->describe(), "the name of one of the upstreams");
}

SyncSystem take_system(SyncEntry& entry, const Settings& settings, std::vector<Fault>& faults) {
  SyncSystem system = std::move(entry.system);
  if (entry.rest.is_known()) {
    auto description = legacy::rest::load_rest_description(entry.rest.value);
    if (description) {
      system.rest = std::move(*description);
    } else {
      append(faults, std::move(description.error()));
    }
  }
  if (entry.mapping.is_known() && settings.sync.ontology) {
    const auto& ontology = *settings.sync.ontology;
    auto mapping = system.rest ? sync::load_mapping(entry.mapping.value, system.name, ontology, shape_of(*system.rest))
                               : sync::load_mapping(entry.mapping.value, system.name, ontology);
    if (mapping) {
      system.mapping = std::move(*mapping);
    } else {
      append(faults, std::move(mapping.error()));
    }
  }
  check_upstream(entry, settings);
  system.upstream = entry.upstream.value;
  if (system.tryton) tell_tryton(system);
  return system;
}

}  // namespace

Reader<SyncFile> sync_schema() {
  const auto set_name = [](SyncEntry& entry, const std::string& name, const Node&) { entry.system.name = name; };
  return yaml::object<SyncFile>("record sync")
      .optional("threads", &SyncFile::threads, yaml::integer_of<std::size_t>(1, 256))
      .required("systems", &SyncFile::systems, yaml::named(system_schema(), set_name));
}

std::vector<Fault> take_sync(SettingsFile& file) {
  std::vector<Fault> faults;
  std::vector<std::string> ontology{std::string(records::kCrmOntology)};
  for (const std::string& path : file.ontology) ontology.push_back(path);
  auto loaded = records::load_ontology(ontology);
  Settings& settings = file.settings;
  if (loaded) {
    settings.sync.ontology = std::make_shared<const records::Ontology>(std::move(*loaded));
  } else {
    append(faults, std::move(loaded.error()));
  }
  settings.sync.threads = file.sync.value.threads;
  for (SyncEntry& entry : file.sync.value.systems) {
    settings.sync.systems.push_back(take_system(entry, settings, faults));
  }
  const bool no_store = settings.store.kind == Store::Kind::none;
  if (no_store && !settings.sync.systems.empty()) {
    file.sync.node->fault("sync without a store", "a store: leave the key store out, or give store.url");
  }
  return faults;
}

}  // namespace banyan::app
