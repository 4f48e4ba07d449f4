#include "adapters/legacy/rest/pointer.hpp"

#include <charconv>
#include <utility>

namespace banyan::legacy::rest {
namespace {

std::optional<std::string> unescaped(std::string_view token) {
  std::string out;
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (token[i] != '~') {
      out += token[i];
      continue;
    }
    if (++i == token.size() || (token[i] != '0' && token[i] != '1')) return std::nullopt;
    out += token[i] == '0' ? '~' : '/';
  }
  return out;
}

// Null if the value has no such part.
const Json* part(const Json& value, const std::string& token) {
  if (value.is_object()) {
    const auto found = value.find(token);
    return found == value.end() ? nullptr : &*found;
  }
  if (!value.is_array() || (token.size() > 1 && token.front() == '0')) return nullptr;
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), index);
  const bool whole = error == std::errc() && end == token.data() + token.size();
  return whole && index < value.size() ? &value[index] : nullptr;
}

}  // namespace

std::optional<Pointer> Pointer::parse(std::string_view text) {
  Pointer pointer;
  if (text.empty()) return pointer;
  if (text.front() != '/') return std::nullopt;
  while (!text.empty()) {
    text.remove_prefix(1);
    const std::size_t end = text.find('/');
    auto token = unescaped(text.substr(0, end));
    if (!token) return std::nullopt;
    pointer.tokens_.push_back(std::move(*token));
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end);
  }
  return pointer;
}

Pointer Pointer::member(std::string name) {
  Pointer pointer;
  pointer.tokens_.push_back(std::move(name));
  return pointer;
}

const Json* Pointer::find(const Json& document) const {
  const Json* at = &document;
  for (const std::string& token : tokens_) {
    at = part(*at, token);
    if (at == nullptr) return nullptr;
  }
  return at;
}

bool Pointer::put(Json& document, Json value) const {
  Json* at = &document;
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    if (at->is_null()) *at = Json::object();
    if (at->is_object()) {
      at = &(*at)[tokens_[i]];
      continue;
    }
    const Json* found = part(*at, tokens_[i]);
    if (found == nullptr) return false;
    at = const_cast<Json*>(found);  // NOLINT(cppcoreguidelines-pro-type-const-cast): of a document that is not const
  }
  *at = std::move(value);
  return true;
}

void Pointer::erase(Json& document) const {
  if (tokens_.empty()) return;
  Json* at = &document;
  for (std::size_t i = 0; i + 1 < tokens_.size(); ++i) {
    const Json* found = part(*at, tokens_[i]);
    if (found == nullptr) return;
    at = const_cast<Json*>(found);  // NOLINT(cppcoreguidelines-pro-type-const-cast): of a document that is not const
  }
  if (at->is_object()) at->erase(tokens_.back());
}

std::string Pointer::text() const {
  std::string out;
  for (const std::string& token : tokens_) {
    out += '/';
    for (const char c : token) out += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  }
  return out;
}

}  // namespace banyan::legacy::rest
