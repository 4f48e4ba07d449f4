// Schemas: what a YAML file may contain, written so that the code reads like the file.
//
//   Reader<Upstream> upstream() {
//     return object<Upstream>("an upstream")
//         .required("endpoints", &Upstream::endpoints, list(endpoint(), 1))
//         .optional("host", &Upstream::host, choice<Host>({{"keep", Host::keep}, {"endpoint", Host::endpoint}}));
//   }
//
// A Reader<T> takes a node and fills a T. What does not fit is reported on the node and leaves the T as it was, so that
// defaults are the initial values of the struct, and one pass finds every fault. Readers are values; they know the keys
// they accept, which lets a test hold the reference manual against them.
#pragma once

#include <cstddef>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "gateway/base/yaml_document.hpp"

namespace banyan::yaml {

template <typename T>
struct Reader {
  std::function<void(const Node&, T&)> read;
  std::string what;               // "a duration such as 500ms, 10s or 2m": what faults say was expected
  std::vector<std::string> keys;  // every key below, as paths: "timeouts.connect", "upstreams.*.host", "listen[].tls"
};

namespace detail {

void fault_unknown_key(const Node& value, const std::string& key, const std::vector<std::string>& known);
std::string listed(const std::vector<std::string>& words, std::string_view last_joint);

template <typename T>
void append_keys(std::vector<std::string>& out, const std::string& prefix, const Reader<T>& reader) {
  for (const std::string& key : reader.keys) out.push_back(prefix + (key.starts_with('[') ? "" : ".") + key);
}

}  // namespace detail

// A mapping with fixed keys. Builder; converts to Reader<T>.
template <typename T>
class Object {
public:
  explicit Object(std::string what) : what_(std::move(what)) {}

  // `place` is a pointer to a member of T, or a function from T& to a reference.
  template <typename Place, typename Value>
  Object& optional(std::string key, Place place, Reader<Value> reader) {
    return add(std::move(key), std::move(place), std::move(reader), false);
  }

  template <typename Place, typename Value>
  Object& required(std::string key, Place place, Reader<Value> reader) {
    return add(std::move(key), std::move(place), std::move(reader), true);
  }

  // A key that is understood but not offered: its use is a fault that says so.
  Object& refused(std::string key, std::string why, std::string expected = "the key left out") {
    auto refuse = [why = std::move(why), expected = std::move(expected)](const Node& node, T&) {
      node.fault(why, expected);
    };
    fields_.push_back({key, {}, false, std::move(refuse)});
    keys_.push_back(std::move(key));
    return *this;
  }

  // A rule over several keys; runs only when all keys were read without a fault.
  Object& check(std::function<void(const Node&, const T&)> rule) {
    rules_.push_back(std::move(rule));
    return *this;
  }

  operator Reader<T>() const {  // NOLINT(google-explicit-constructor): the end of the builder
    return {[*this](const Node& node, T& out) { read(node, out); }, what_, keys_};
  }

private:
  struct Field {
    std::string key;
    std::string what;
    bool is_required;
    std::function<void(const Node&, T&)> read;
  };

  template <typename Place, typename Value>
  Object& add(std::string key, Place place, Reader<Value> reader, bool is_required) {
    keys_.push_back(key);
    detail::append_keys(keys_, key, reader);
    std::string what = reader.what;
    auto read_field = [place = std::move(place), reader = std::move(reader)](const Node& node, T& out) {
      reader.read(node, std::invoke(place, out));
    };
    fields_.push_back({std::move(key), std::move(what), is_required, std::move(read_field)});
    return *this;
  }

  std::vector<std::string> own_keys() const {
    std::vector<std::string> keys;
    for (const Field& field : fields_) keys.push_back(field.key);
    return keys;
  }

  void read(const Node& node, T& out) const {
    if (node.kind() != Node::Kind::mapping) {
      node.fault(node.describe(), what_ + ": a mapping with " + detail::listed(own_keys(), " and "));
      return;
    }
    const std::size_t faults_before = node.faults_so_far();
    std::vector<bool> present(fields_.size());
    for (const auto& [key, value] : node.entries()) {
      std::size_t i = 0;
      while (i < fields_.size() && fields_[i].key != key) ++i;
      if (i == fields_.size()) {
        detail::fault_unknown_key(value, key, own_keys());
        continue;
      }
      present[i] = true;
      fields_[i].read(value, out);
    }
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      if (fields_[i].is_required && !present[i]) node.missing(fields_[i].key, fields_[i].what);
    }
    if (node.faults_so_far() != faults_before) return;
    for (const auto& rule : rules_) rule(node, out);
  }

  std::string what_;
  std::vector<Field> fields_;
  std::vector<std::string> keys_;
  std::vector<std::function<void(const Node&, const T&)>> rules_;
};

// `what`: with its article, "an upstream".
template <typename T>
Object<T> object(std::string what) {
  return Object<T>(std::move(what));
}

inline constexpr std::size_t kAnyNumber = std::numeric_limits<std::size_t>::max();

// What becomes of an element with a fault: kept, it holds what could be read of it.
enum class Faulty { left_out, kept };

template <typename T>
Reader<std::vector<T>> list(Reader<T> element, std::size_t at_least = 0, std::size_t at_most = kAnyNumber,
                            Faulty faulty = Faulty::left_out) {
  std::vector<std::string> keys;
  detail::append_keys(keys, "[]", element);
  const std::string what = "a list, each element " + element.what;
  auto read = [element, at_least, at_most, faulty, what](const Node& node, std::vector<T>& out) {
    if (node.kind() != Node::Kind::sequence) {
      node.fault(node.describe(), what);
      return;
    }
    std::vector<T> values;
    const auto items = node.items();
    for (const Node& item : items) {
      const std::size_t faults_before = node.faults_so_far();
      T value{};
      element.read(item, value);
      if (faulty == Faulty::kept || node.faults_so_far() == faults_before) values.push_back(std::move(value));
    }
    if (items.size() > at_most) {
      node.fault("a list of " + std::to_string(items.size()), "at most " + std::to_string(at_most) + " elements");
    }
    if (items.size() < at_least) node.fault("an empty list", "at least " + std::to_string(at_least) + " element");
    out = std::move(values);
  };
  return {std::move(read), what, std::move(keys)};
}

// One element, or a list of them.
template <typename T>
Reader<std::vector<T>> one_or_many(Reader<T> element, Faulty faulty = Faulty::left_out) {
  Reader<std::vector<T>> many = list(element, 1, kAnyNumber, faulty);
  auto read = [element, faulty, read_many = many.read](const Node& node, std::vector<T>& out) {
    if (node.kind() == Node::Kind::sequence) return read_many(node, out);
    const std::size_t faults_before = node.faults_so_far();
    T value{};
    element.read(node, value);
    if (faulty == Faulty::left_out && node.faults_so_far() != faults_before) return;
    out.clear();
    out.push_back(std::move(value));
  };
  return {std::move(read), element.what + ", or a list of such", element.keys};
}

// A mapping from names of the user's choice to values, in the order of the file. A faulty value keeps its name, so that
// references to it are not reported as well; `set_name` puts the name into the value.
template <typename T, typename SetName>
Reader<std::vector<T>> named(Reader<T> value_reader, SetName set_name) {
  std::vector<std::string> keys{"*"};
  detail::append_keys(keys, "*", value_reader);
  const std::string what = "a mapping from names, each to " + value_reader.what;
  auto read = [value_reader, set_name = std::move(set_name), what](const Node& node, std::vector<T>& out) {
    if (node.kind() != Node::Kind::mapping) {
      node.fault(node.describe(), what);
      return;
    }
    out.clear();
    for (const auto& [key, child] : node.entries()) {
      T value{};
      set_name(value, key, child);
      value_reader.read(child, value);
      out.push_back(std::move(value));
    }
  };
  return {std::move(read), what, std::move(keys)};
}

// A value that may be absent; present, it is read like any other.
template <typename T>
Reader<std::optional<T>> maybe(Reader<T> reader) {
  auto read = [inner = reader.read](const Node& node, std::optional<T>& out) {
    const std::size_t faults_before = node.faults_so_far();
    T value{};
    inner(node, value);
    if (node.faults_so_far() == faults_before) out = std::move(value);
  };
  return {std::move(read), reader.what, reader.keys};
}

// A single value made from its text. `parse` returns std::optional<T>: nothing if the text does not fit `what`.
template <typename T, typename Parse>
Reader<T> scalar(std::string what, Parse parse) {
  auto read = [what, parse = std::move(parse)](const Node& node, T& out) {
    if (node.kind() == Node::Kind::scalar) {
      if (std::optional<T> value = parse(node.scalar())) {
        out = std::move(*value);
        return;
      }
    }
    node.fault(node.describe(), what);
  };
  return {std::move(read), what, {}};
}

// One of a few words.
template <typename E>
Reader<E> choice(std::vector<std::pair<std::string, E>> words) {
  std::vector<std::string> names;
  for (const auto& word : words) names.push_back(word.first);
  const std::string what = names.size() == 1 ? names.front() : "one of " + detail::listed(names, " or ");
  return scalar<E>(what, [words = std::move(words)](std::string_view text) -> std::optional<E> {
    for (const auto& [name, value] : words) {
      if (name == text) return value;
    }
    return std::nullopt;
  });
}

// What a reader makes, turned into something else.
template <typename From, typename To>
Reader<To> transform(Reader<From> reader, std::function<To(From)> change) {
  auto read = [inner = reader.read, change = std::move(change)](const Node& node, To& out) {
    const std::size_t faults_before = node.faults_so_far();
    From value{};
    inner(node, value);
    if (node.faults_so_far() == faults_before) out = change(std::move(value));
  };
  return {std::move(read), reader.what, reader.keys};
}

}  // namespace banyan::yaml
