// Every two-way field is tried before the mapping is used: canonical samples go out and must come back the same.
#include <algorithm>
#include <utility>

#include "adapters/records/canonicalise.hpp"
#include "adapters/sync/mapping_compile.hpp"

namespace banyan::sync {
namespace {

using records::FieldType;
using records::Format;

constexpr const char* kLegacyId = "12";
constexpr const char* kRecordId = "0188f1c2-8a4b-7c6d-9e0f-1a2b3c4d5e6f";

Json text_samples(Format format) {
  switch (format) {
    case Format::email:
      return {"anna.meier@example.com", "Sales+West@example.org"};
    case Format::phone:
      return {"+49 30 1234567", "0123 4567"};
    case Format::url:
      return {"https://example.org/", "http://www.example.com/a?b=1&c=%20d"};
    case Format::currency:
      return {"EUR", "JPY"};
    case Format::country:
      return {"DE", "FR"};
    case Format::language:
      return {"de", "pt-BR"};
    default:
      break;
  }
  Json samples{"Alpha", "Zoë & Söhne <Nord>", "x", "7", "It's \"so\"", "two words, and more; the rest", "a.b/c|d_e-f"};
  if (format == Format::multiline) samples.push_back("first line\nsecond line");
  return samples;
}

Json list_samples(const records::Field& field) {
  if (!field.values.empty()) return Json::array({Json::array({field.values.front()}), field.values});
  return Json::array({Json::array({"alpha"}), Json::array({"alpha", "beta gamma"})});
}

Json raw_samples(const records::Field& field) {
  switch (field.type) {
    case FieldType::text:
      return text_samples(field.format);
    case FieldType::choice:
      return field.values;
    case FieldType::integer:
      return {0, 1, -7, 42, 1'234'567'890'123};
    case FieldType::decimal:
      return {"0", "1", "99", "12.5", "-12500.5", "0.01", "1234567.89", "-0.125"};
    case FieldType::boolean:
      return {true, false};
    case FieldType::date:
      return {"2026-11-01", "2000-02-29", "1999-12-31"};
    case FieldType::timestamp:
      return {"2026-11-01T12:00:00.000000Z", "2000-02-29T23:59:59.123456Z", "1999-12-31T22:30:00.500000Z"};
    case FieldType::reference:
      return {kRecordId};
    case FieldType::list:
      break;
  }
  return list_samples(field);
}

// What became of a sample that was sent out and read back.
struct Trip {
  std::optional<Held> refused;  // on the way out
  std::optional<Held> lost;     // on the way back
  Json legacy;
  Json back;  // null: empty
};

Trip travel(const StreamMapping& stream, const std::string& field, const Json& sample) {
  const auto to_legacy_id = [](const Reference&) { return std::optional<std::string>(kLegacyId); };
  const auto to_record_id = [](const Reference&) { return std::optional<std::string>(kRecordId); };
  Json data = Json::object();
  if (!sample.is_null()) data[field] = sample;
  Trip trip;
  Mapped out = stream.to_legacy(data, std::span(&field, 1), to_legacy_id, false);
  for (Held& held : out.held) {
    if (held.field == field) trip.refused = std::move(held);
  }
  if (trip.refused) return trip;
  trip.legacy = std::move(out.fields);
  Mapped in = stream.to_modern(trip.legacy, to_record_id);
  for (Held& held : in.held) {
    if (held.field == field) trip.lost = std::move(held);
  }
  const auto back = in.fields.find(field);
  if (back != in.fields.end()) trip.back = *back;
  return trip;
}

class FieldTrial {
public:
  FieldTrial(const FieldEntry& entry, const StreamMapping& stream, const FieldMap& field)
      : entry_(entry), stream_(stream), field_(field) {
    adopts_ = std::ranges::any_of(field.transforms, [](const Transform& step) { return traits(step).adopts; });
  }

  void run() {
    std::size_t passed = 0;
    std::string trouble;
    const std::vector<Json> derived = derived_samples();
    for (const Json& sample : derived) {
      const Trip trip = travel(stream_, field_.name(), sample);
      if (trip.refused) {
        trouble = trip.refused->message;  // held when it happens; not every value need fit the legacy side
      } else {
        if (!check(sample, trip, *entry_.node)) return;
        ++passed;
      }
    }
    if (!derived.empty() && passed == 0) {
      return entry_.node->fault("no value of " + field_.name() + " can be written: " + trouble,
                                "transforms that can write what the field holds");
    }
    run_given_samples();
  }

private:
  std::vector<Json> derived_samples() const {
    if (field_.part || std::holds_alternative<TableLookup>(field_.resolve)) return {};
    const auto* map = std::get_if<ValueMap>(&field_.resolve);
    if (map == nullptr) return samples_of(field_.field);
    std::vector<Json> samples;
    for (const auto& [legacy, modern] : map->to_modern) {
      samples.push_back(field_.field.type == FieldType::list ? Json::array({modern}) : modern);
    }
    return samples;
  }

  void run_given_samples() {
    const yaml::Node node = entry_.at("samples");
    for (const Json& raw : entry_.samples) {
      auto sample = records::canonical_value(field_.field, raw);
      if (!sample) {
        node.fault("the sample " + raw.dump(), sample.error().public_message);
        continue;
      }
      const Trip trip = travel(stream_, field_.name(), *sample);
      if (trip.refused) {
        node.fault("the sample " + raw.dump() + " cannot be written: " + trip.refused->message,
                   "transforms that can write it");
      } else if (!check(*sample, trip, node)) {
        return;
      }
    }
  }

  bool check(const Json& sample, const Trip& trip, const yaml::Node& node) const {
    if (trip.lost) {
      node.fault("the sample " + sample.dump() + " goes out as " + trip.legacy.dump() +
                     " and cannot be read back: " + trip.lost->message,
                 "transforms whose inverse gives every value back");
      return false;
    }
    if (adopts_) {
      const Trip again = travel(stream_, field_.name(), trip.back);
      if (again.back == trip.back) return true;
      return differs(trip.back, again, node);
    }
    return trip.back == sample || differs(sample, trip, node);
  }

  static bool differs(const Json& sample, const Trip& trip, const yaml::Node& node) {
    node.fault("the sample " + sample.dump() + " goes out as " + trip.legacy.dump() + " and comes back as " +
                   (trip.back.is_null() ? "nothing" : trip.back.dump()),
               "transforms whose inverse gives every value back");
    return false;
  }

  const FieldEntry& entry_;
  const StreamMapping& stream_;
  const FieldMap& field_;
  bool adopts_ = false;
};

}  // namespace

std::vector<Json> samples_of(const records::Field& field) {
  std::vector<Json> samples;
  for (const Json& raw : raw_samples(field)) {
    // Not all samples fit a narrow field: a scale, a greatest length, a percentage.
    if (auto canonical = records::canonical_value(field, raw)) samples.push_back(std::move(*canonical));
  }
  return samples;
}

void check_round_trips(const StreamEntry& entry, const StreamMapping& stream, const std::vector<FieldMap>& fields) {
  for (const FieldMap& field : fields) {
    if (field.direction != Direction::both) continue;
    const auto of_field = std::ranges::find(entry.fields, field.name(), &FieldEntry::name);
    FieldTrial(*of_field, stream, field).run();
  }
}

}  // namespace banyan::sync
