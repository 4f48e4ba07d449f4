// Schema drift: the legacy system's fields as they are now, against those that the mapping was first used with. What
// the store remembers is {"mapping": hash of its description, "fields": {name: {"type", "required"}}}: with another
// mapping all is described afresh.
#include <algorithm>

#include "adapters/sync/stream_impl.hpp"
#include "gateway/base/log.hpp"

namespace banyan::sync {
namespace {

Json known_schema(const std::vector<legacy::FieldDescription>& fields) {
  Json out = Json::object();
  for (const auto& field : fields) out[field.name] = {{"type", field.type}, {"required", field.required}};
  return out;
}

// What is wrong with a mapped legacy field; empty: nothing.
std::string drift_of(const std::string& name, const Json& before, const Json& now) {
  if (!now.contains(name)) return before.contains(name) ? "the legacy system no longer has it" : "";
  if (!before.contains(name)) return "";
  const std::string was = before[name].value("type", "");
  const std::string is = now[name].value("type", "");
  return was == is ? "" : "its type was " + was + " and is " + is;
}

}  // namespace

Task Stream::Impl::describe() {
  const SteadyTime now = parts_.clock.now();
  if (now < next_describe_ || !may_call(Urgency::live)) return Task::idle;
  const auto fields = parts_.system.describe(type(), call_deadline());
  if (!fields) return failed(fields.error());
  const WallTime before_call = parts_.clock.wall();
  parts_.budget.spend();
  if (const auto legacy_now = parts_.system.now(call_deadline())) {
    legacy_ahead_ = std::chrono::duration_cast<std::chrono::microseconds>(*legacy_now - before_call);
  } else {
    return failed(legacy_now.error());
  }
  next_describe_ = now + options_.describe_interval;

  const Json described = known_schema(*fields);
  const std::int64_t mapping = records::content_hash(parts_.mapping.description());
  const bool is_same = state_.schema.value("mapping", Json()) == mapping && state_.schema.contains("fields");
  const Json before = is_same ? state_.schema["fields"] : Json::object();
  std::vector<std::string> drifted;
  std::vector<std::string> sentences;
  for (const FieldRule& rule : parts_.mapping.rules()) {
    for (const std::string& name : parts_.mapping.legacy_fields_of(rule.field)) {
      const std::string drift = described.empty() ? "" : drift_of(name, before, described);
      if (drift.empty()) continue;
      drifted.push_back(rule.field);
      sentences.push_back(rule.field + " is held: " + name + ": " + drift);
    }
  }
  if (drifted != drifted_) {
    for (const std::string& sentence : sentences) {
      log::warn("schema drift",
                {{"system", parts_.mapping.system()}, {"entity", parts_.mapping.entity()}, {"reason", sentence}});
    }
  }
  drifted_ = drifted;
  {
    const std::lock_guard lock(mutex_);
    status_.schema_drift = sentences;
  }
  // What is new is remembered; what has drifted keeps its first description until the mapping is put right.
  Json remembered = before;
  for (const auto& [name, description] : described.items()) {
    if (!remembered.contains(name)) remembered[name] = description;
  }
  if (is_same && remembered == before) return Task::done;
  const auto done = parts_.store.commit(
      fence_,
      [&](View& view) {
        Changes changes;
        StreamState state = view.state();
        state.schema = {{"mapping", mapping}, {"fields", remembered}};
        changes.state = state;
        return changes;
      },
      commit_deadline());
  return done ? Task::done : failed(done.error());
}

}  // namespace banyan::sync
