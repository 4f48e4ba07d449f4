// Schema drift: the legacy system's fields as they are now, against those that the mapping was first used with. What
// the store remembers is {"mapping": hash of its description, "fields": {name: {"type", "required", "read_only",
// "choices"}}}: with another mapping all is described afresh.
//
// A field whose values may mean something else now, or cannot be written any more, is held. What only some values or
// some creates can meet (a choice that is gone, a field that must be there now) is told: the records that do meet it
// are refused by the legacy system, and become dead letters, each by itself.
#include <algorithm>
#include <set>

#include "adapters/sync/scan_report.hpp"
#include "adapters/sync/stream_impl.hpp"
#include "gateway/base/log.hpp"

namespace banyan::sync {
namespace {

constexpr std::size_t kChoices = 500;  // of one field; lists longer than this are not compared

struct Drift {
  std::string what;
  bool holds = false;
  bool has_vanished = false;
};

Json known_schema(const std::vector<legacy::FieldDescription>& fields) {
  Json out = Json::object();
  for (const auto& field : fields) {
    Json& one = out[field.name];
    one = {{"type", field.type}, {"required", field.required}, {"read_only", field.read_only}};
    one["choices"] = field.choices.size() <= kChoices ? Json(field.choices) : Json::array();
  }
  return out;
}

bool became(const char* property, const Json& before, const Json& now) {
  return now.value(property, false) && before.contains(property) && !before[property].get<bool>();
}

std::string choices_gone(const Json& before, const Json& now) {
  const Json were = before.value("choices", Json::array());
  const Json are = now.value("choices", Json::array());
  std::string gone;
  if (are.empty()) return gone;
  for (const Json& choice : were) {
    if (std::find(are.begin(), are.end(), choice) == are.end()) gone += (gone.empty() ? "" : ", ") + choice.dump();
  }
  return gone;
}

// What has become of a mapped legacy field.
std::vector<Drift> drifts_of(const std::string& name, const Json& all_before, const Json& all_now) {
  if (!all_before.contains(name)) return {};
  if (!all_now.contains(name)) return {Drift{"the legacy system no longer has it", true, true}};
  const Json& before = all_before[name];
  const Json& now = all_now[name];
  std::vector<Drift> drifts;
  const std::string was = before.value("type", "");
  const std::string is = now.value("type", "");
  if (was != is) drifts.push_back({"its type was " + was + " and is " + is, true, false});
  if (became("read_only", before, now)) drifts.push_back({"it cannot be written any more", true, false});
  if (became("required", before, now)) drifts.push_back({"it must be there now; a record without it may be refused"});
  const std::string gone = choices_gone(before, now);
  if (!gone.empty()) drifts.push_back({"no longer a choice: " + gone + "; a record that has it may be refused"});
  return drifts;
}

// Fields that nobody mapped, since nobody had to.
std::vector<std::string> newly_required(const std::set<std::string>& mapped, const Json& all_before,
                                        const Json& all_now) {
  std::vector<std::string> sentences;
  for (const auto& [name, now] : all_now.items()) {
    if (all_before.empty() || mapped.contains(name) || !now.value("required", false)) continue;
    if (all_before.contains(name) && all_before[name].value("required", false)) continue;
    sentences.push_back(name + " must be there now and is not mapped; what is made without it may be refused");
  }
  return sentences;
}

// What is new is remembered; what has drifted keeps its first description until the mapping is put right.
Json remember(Json known, const Json& now) {
  for (const auto& [name, description] : now.items()) {
    Json& one = known[name];
    if (one.is_null()) one = Json::object();
    for (const auto& [property, value] : description.items()) {
      if (!one.contains(property)) one[property] = value;
    }
  }
  return known;
}

void note_drift(auto& stream, const std::vector<std::string>& sentences) {
  const std::lock_guard lock(stream.mutex_);
  if (sentences == stream.status_.schema_drift) return;
  for (const std::string& sentence : sentences) {
    log::warn("schema drift",
              {{"system", stream.status_.system}, {"entity", stream.status_.entity}, {"reason", sentence}});
  }
  stream.status_.schema_drift = sentences;
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
  std::vector<std::string> vanished;
  std::vector<std::string> sentences;
  std::set<std::string> mapped;
  for (const FieldRule& rule : parts_.mapping.rules()) {
    for (const std::string& name : parts_.mapping.legacy_fields_of(rule.field)) {
      mapped.insert(name);
      if (described.empty()) continue;
      for (const Drift& drift : drifts_of(name, before, described)) {
        if (drift.holds && (drifted.empty() || drifted.back() != rule.field)) drifted.push_back(rule.field);
        if (drift.has_vanished && (vanished.empty() || vanished.back() != rule.field)) vanished.push_back(rule.field);
        sentences.push_back(rule.field + (drift.holds ? kIsHeld : ": ") + name + ": " + drift.what);
      }
    }
  }
  for (std::string& sentence : newly_required(mapped, before, described)) sentences.push_back(std::move(sentence));
  drifted_ = std::move(drifted);
  vanished_ = std::move(vanished);
  knows_schema_ = true;
  note_drift(*this, sentences);
  const Json remembered = remember(before, described);
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
