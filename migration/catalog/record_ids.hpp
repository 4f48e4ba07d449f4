// RecordIdPlace: where a call names the records that it writes, compiled from FunctionSpec::record_ids:
//   "/params/0"   a JSON pointer into the body; a text, a number, or a list of these stands there
//   "{id}"        a parameter of the path template; the segment in the form in which paths are compared
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "migration/catalog/evidence.hpp"
#include "migration/catalog/function.hpp"
#include "migration/catalog/path.hpp"

namespace banyan::catalog {

class PredicateIndex;

// The name in "{name}"; nothing for any other text.
std::optional<std::string_view> parameter_of(std::string_view record_ids);

// The number of the segment of a path template that is this parameter ("{id}"), or nothing.
std::optional<std::size_t> place_of_parameter(std::string_view path_template, std::string_view parameter);

class RecordIdPlace {
public:
  // The function must be valid (validate.hpp).
  RecordIdPlace(const FunctionSpec& function, PredicateIndex& index);

  bool is_known() const { return in_body() || !paths_.empty(); }
  bool in_body() const { return field_ != Fields::kNone; }

  // `path` in comparison form.
  std::vector<std::string> read(std::string_view path, Evidence& evidence) const;

private:
  struct Path {
    std::vector<PathSegment> segments;
    std::size_t place = 0;
  };

  std::uint32_t field_ = Fields::kNone;
  std::vector<Path> paths_;
};

}  // namespace banyan::catalog
