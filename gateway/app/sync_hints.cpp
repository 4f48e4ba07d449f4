#include "gateway/app/sync_hints.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "gateway/base/log.hpp"
#include "gateway/store/listener.hpp"

namespace banyan::app {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kObservedWrites = 16'384;
constexpr std::size_t kLargestHint = 7'000;  // PostgreSQL takes 8,000 bytes

void send(store::Database& database, nlohmann::json hint, const Clock& clock) {
  const auto text = [&] { return hint.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace); };
  if (text().size() > kLargestHint) hint["ids"] = nlohmann::json::array();
  const auto told = database.run(Deadline::after(clock, 1s),
                                 [&](store::Transaction& tx) { store::notify(tx, kObservedChannel, text()); });
  if (!told) log::debug("a hint was not passed on", {{"reason", told.error().public_message}});
}

std::string text_in(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

void tell_of(store::Database& database, const proxy::ObservedWrite& write, const Clock& clock) {
  send(database, {{"upstream", write.upstream}, {"entity", write.entity}, {"ids", write.ids}}, clock);
}

void tell_of(store::Database& database, const sync::StreamHint& hint, const Clock& clock) {
  send(database, {{"system", hint.system}, {"entity", hint.entity}, {"ids", hint.ids}, {"sweep", hint.sweep}}, clock);
}

Hint read_hint(const std::string& payload) {
  Hint hint;
  const auto parsed = nlohmann::json::parse(payload, nullptr, false);
  if (!parsed.is_object()) return hint;
  std::vector<std::string> ids;
  if (const auto given = parsed.find("ids"); given != parsed.end() && given->is_array()) {
    for (const auto& id : *given) {
      if (id.is_string()) ids.push_back(id.get<std::string>());
    }
  }
  const std::string entity = text_in(parsed, "entity");
  if (entity.empty()) return hint;
  if (const std::string upstream = text_in(parsed, "upstream"); !upstream.empty()) {
    hint.observed.emplace();
    hint.observed->upstream = upstream;
    hint.observed->entity = entity;
    hint.observed->ids = std::move(ids);
  } else if (const std::string system = text_in(parsed, "system"); !system.empty()) {
    hint.stream = sync::StreamHint{system, entity, std::move(ids), parsed.value("sweep", nlohmann::json()) == true};
  }
  return hint;
}

ObservedTeller::ObservedTeller(std::vector<std::string> upstreams, store::Database& database, const Clock& clock)
    : upstreams_(std::move(upstreams)), database_(database), clock_(clock), observed_(kObservedWrites), thread_([this] {
        tell();
      }) {}

ObservedTeller::~ObservedTeller() {
  stop();
}

bool ObservedTeller::observe(proxy::ObservedWrite write) {
  const bool ours = std::find(upstreams_.begin(), upstreams_.end(), write.upstream) != upstreams_.end();
  return ours && observed_.push(std::move(write));
}

void ObservedTeller::stop() {
  observed_.close();
  if (thread_.joinable()) thread_.join();
}

void ObservedTeller::tell() {
  while (!observed_.closed()) {
    for (const proxy::ObservedWrite& write : observed_.take(256, 1s)) {
      if (observed_.closed()) return;  // each may take its time
      tell_of(database_, write, clock_);
    }
  }
}

}  // namespace banyan::app
