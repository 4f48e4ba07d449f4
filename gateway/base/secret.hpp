// Secret: a value that must not be seen in logs, faults or dumps.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/base/result.hpp"

namespace banyan {

// Holds a secret text. Printing it prints "***"; reveal() is the only way to the value, so that every use can be found.
// There is no conversion to std::string and no comparison.
class Secret {
public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}

  const std::string& reveal() const { return value_; }
  bool empty() const { return value_.empty(); }

private:
  std::string value_;
};

std::ostream& operator<<(std::ostream& out, const Secret& secret);
// Makes spdlog and fmt print the same three stars, whichever way they find formatters.
std::string_view format_as(const Secret& secret);

// Whether the text has the form of a reference to a secret: "env:NAME" or "file:PATH".
bool is_secret_reference(std::string_view text);

// Follows "env:NAME" or "file:PATH" (relative to `directory`; one trailing line break is not part of the secret; at
// most 64 KiB). The error's public message names the variable or file and never repeats a value; a text that is no
// reference at all is not repeated either, because it is probably the secret itself.
Result<Secret> resolve_secret(std::string_view reference, const std::string& directory);

}  // namespace banyan
