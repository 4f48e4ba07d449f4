// Pointer: a JSON pointer (RFC 6901) that never throws on what it meets.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace banyan::legacy::rest {

using Json = nlohmann::json;

class Pointer {
public:
  Pointer() = default;  // the whole document

  // "" or "/a/b~1c/0"; nothing for any other text.
  static std::optional<Pointer> parse(std::string_view text);
  // The member of that name at the top.
  static Pointer member(std::string name);

  // Null if nothing is there. Array elements by index.
  const Json* find(const Json& document) const;
  // Puts the value there; makes the objects on the way. False, and nothing is put, if something on the way is neither
  // an object nor absent.
  bool put(Json& document, Json value) const;
  void erase(Json& document) const;

  bool is_whole() const { return tokens_.empty(); }
  std::string text() const;
  bool operator==(const Pointer&) const = default;

private:
  std::vector<std::string> tokens_;
};

}  // namespace banyan::legacy::rest
