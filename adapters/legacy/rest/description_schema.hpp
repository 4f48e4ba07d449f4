// Readers of the parts of a description, shared by the files that make it up. Not for others.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/legacy/rest/description.hpp"

namespace banyan::legacy::rest::schema {

// Texts with places: `places` are the names that mean something there.
yaml::Reader<Template> template_text(std::string what, std::vector<std::string_view> places);
yaml::Reader<Template> path(std::vector<std::string_view> places);
yaml::Reader<std::vector<QueryParameter>> query(std::vector<std::string_view> places);
yaml::Reader<Pointer> pointer();
yaml::Reader<std::string> method();
yaml::Reader<std::string> header_name();
yaml::Reader<AnswerRules> answer_rules();
yaml::Reader<Mark> mark(std::string what);

// The keys time, utc_offset and precision of a mapping. `of_day`: a date without a time of day.
yaml::Reader<TimeForm> time_name(bool of_day);
yaml::Reader<std::chrono::minutes> utc_offset();
yaml::Reader<std::chrono::microseconds> precision();

yaml::Reader<ListOperation> list_operation();
yaml::Reader<DeleteLog> delete_log();
yaml::Reader<ChangeFeed> change_feed();
yaml::Reader<FieldForm> field();
yaml::Reader<RestType> type();

// The value of a key of the mapping; the mapping itself if the key is absent.
yaml::Node entry(const yaml::Node& mapping, std::string_view key);

}  // namespace banyan::legacy::rest::schema
