#include "adapters/records/canonical.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace banyan::records {
namespace {

using Member = Json::object_t::value_type;

// As PostgreSQL's escape_json() writes it. Bytes from 0x7F on stand for themselves.
void append_string(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  std::size_t written = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
    out.append(text, written, i - written);
    written = i + 1;
    out += '\\';
    constexpr std::string_view kPlain = "\"\\\b\f\n\r\t";
    constexpr std::string_view kLetter = "\"\\bfnrt";
    if (const std::size_t at = kPlain.find(text[i]); at != std::string_view::npos) {
      out += kLetter[at];
    } else {
      out += "u00";
      out += kHex[byte >> 4U];
      out += kHex[byte & 0xFU];
    }
  }
  out.append(text, written);
  out += '"';
}

template <typename Number>
void append_number(std::string& out, Number number) {
  std::array<char, 24> digits{};
  out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
}

bool sorts_before(const Member* a, const Member* b) {
  if (a->first.size() != b->first.size()) return a->first.size() < b->first.size();
  return a->first < b->first;
}

void append_value(std::string& out, const Json& value);

void append_object(std::string& out, const Json& value) {
  const auto& object = value.get_ref<const Json::object_t&>();
  std::vector<const Member*> members;
  members.reserve(object.size());
  for (const Member& member : object) members.push_back(&member);
  std::sort(members.begin(), members.end(), sorts_before);
  out += '{';
  bool first = true;
  for (const Member* member : members) {
    if (!first) out += ", ";
    first = false;
    append_string(out, member->first);
    out += ": ";
    append_value(out, member->second);
  }
  out += '}';
}

void append_value(std::string& out, const Json& value) {
  switch (value.type()) {
    case Json::value_t::null:
      out += "null";
      return;
    case Json::value_t::boolean:
      out += value.get<bool>() ? "true" : "false";
      return;
    case Json::value_t::number_integer:
      return append_number(out, value.get<std::int64_t>());
    case Json::value_t::number_unsigned:
      return append_number(out, value.get<std::uint64_t>());
    case Json::value_t::string:
      return append_string(out, value.get_ref<const std::string&>());
    case Json::value_t::object:
      return append_object(out, value);
    case Json::value_t::array: {
      out += '[';
      bool first = true;
      for (const Json& element : value) {
        if (!first) out += ", ";
        first = false;
        append_value(out, element);
      }
      out += ']';
      return;
    }
    default:
      throw std::logic_error(std::string("canonical data holds no ") + value.type_name() + " of this kind");
  }
}

struct Md5 {
  struct FreeAlgorithm {
    void operator()(EVP_MD* algorithm) const { EVP_MD_free(algorithm); }
  };
  struct FreeContext {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  using Algorithm = std::unique_ptr<EVP_MD, FreeAlgorithm>;
  using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;

  // Looking the algorithm up takes longer than a hash does.
  static const EVP_MD* algorithm() {
    static const Algorithm fetched(EVP_MD_fetch(nullptr, "MD5", nullptr));
    if (!fetched) throw std::runtime_error("this OpenSSL offers no MD5, which content hashes are made with");
    return fetched.get();
  }

  static std::uint64_t first_64_bits(std::string_view text) {
    thread_local const Context context(EVP_MD_CTX_new());
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    const bool done = context && EVP_DigestInit_ex2(context.get(), algorithm(), nullptr) == 1 &&
                      EVP_DigestUpdate(context.get(), text.data(), text.size()) == 1 &&
                      EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) == 1;
    if (!done) throw std::runtime_error("OpenSSL could not make an MD5 hash");
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < 8; ++i) bits = bits << 8U | digest[i];
    return bits;
  }
};

}  // namespace

std::string canonical_text(const Json& value) {
  std::string out;
  out.reserve(512);
  append_value(out, value);
  return out;
}

std::int64_t content_hash(const Json& value) {
  return static_cast<std::int64_t>(Md5::first_64_bits(canonical_text(value)));
}

bool is_empty(const Json& value) {
  if (value.is_string()) return value.get_ref<const std::string&>().empty();
  return value.is_null() || (value.is_array() && value.empty());
}

}  // namespace banyan::records
