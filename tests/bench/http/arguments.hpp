// Command-line flags of the test programs: `--name value` or `--name` alone. Wrong use throws std::invalid_argument.
#pragma once

#include <charconv>
#include <cstdint>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>

namespace banyan::load {

class Arguments {
public:
  Arguments(int count, char** values) {
    for (int i = 1; i < count; ++i) {
      const std::string_view name = values[i];
      if (!name.starts_with("--")) throw std::invalid_argument("not a flag: " + std::string(name));
      const bool has_value = i + 1 < count && !std::string_view(values[i + 1]).starts_with("--");
      values_[std::string(name.substr(2))] = has_value ? values[++i] : "";
    }
  }

  std::string text(const std::string& name, const std::string& absent = "") {
    known_.insert(name);
    const auto found = values_.find(name);
    return found == values_.end() ? absent : found->second;
  }

  std::uint64_t number(const std::string& name, std::uint64_t absent) {
    const std::string value = text(name);
    if (!values_.contains(name)) return absent;
    std::uint64_t parsed = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), parsed);
    if (error != std::errc{} || end != value.data() + value.size()) {
      throw std::invalid_argument("--" + name + " wants a number, not '" + value + "'");
    }
    return parsed;
  }

  bool given(const std::string& name) {
    known_.insert(name);
    return values_.contains(name);
  }

  // Call when every flag has been asked for: refuses those that nobody asked for.
  void refuse_unknown() const {
    for (const auto& [name, value] : values_) {
      if (!known_.contains(name)) throw std::invalid_argument("unknown flag --" + name);
    }
  }

private:
  std::map<std::string, std::string> values_;
  std::set<std::string> known_;
};

}  // namespace banyan::load
