// The application log: what the process itself has to say, one line per event, to standard error.
//
//   log::info("listening", {{"address", address}, {"threads", 2}});
//
// A message is a fixed phrase; whatever varies is a field. Thread-safe; a line is never torn. Not for requests: those
// go to the access log (async_log.hpp).
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "gateway/base/clock.hpp"
#include "gateway/base/error.hpp"

namespace banyan::log {

enum class Level : std::uint8_t { debug, info, warn, error };

enum class Format : std::uint8_t {
  text,  // 2026-01-31T23:59:59.000001Z info listening address=127.0.0.1:8080
  json,  // {"time":"2026-01-31T23:59:59.000001Z","level":"info","message":"listening","address":"127.0.0.1:8080"}
};

// One named value. Takes exactly texts, numbers, truth values, milliseconds and error codes: a type that merely
// converts to a text, as one that guards a secret might, does not compile. Refers to its texts: use it within one
// expression.
class Field {
public:
  using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;

  Field(std::string_view name, std::string_view text) : name_(name), value_(text) {}
  Field(std::string_view name, const char* text) : name_(name), value_(std::string_view(text)) {}
  Field(std::string_view name, const std::string& text) : name_(name), value_(std::string_view(text)) {}
  Field(std::string_view name, bool truth) : name_(name), value_(truth) {}
  template <std::signed_integral T>
  Field(std::string_view name, T number) : name_(name), value_(static_cast<std::int64_t>(number)) {}
  template <std::unsigned_integral T>
  requires(!std::same_as<T, bool>) Field(std::string_view name, T number)
      : name_(name), value_(static_cast<std::uint64_t>(number)) {}
  template <std::floating_point T>
  Field(std::string_view name, T number) : name_(name), value_(static_cast<double>(number)) {}
  Field(std::string_view name, std::chrono::milliseconds span)
      : name_(name), value_(static_cast<std::int64_t>(span.count())) {}
  Field(std::string_view name, ErrorCode code) : name_(name), value_(to_string(code)) {}
  template <typename T>
  requires(!std::is_arithmetic_v<T>) Field(std::string_view name, const T& anything_else)
  = delete;

  std::string_view name() const { return name_; }
  const Value& value() const { return value_; }

private:
  std::string_view name_;
  Value value_;
};

struct Options {
  Level level = Level::info;  // lines below it are not written
  Format format = Format::text;
};

// Takes effect for the lines that follow. Before the first call: the defaults of Options.
void configure(const Options& options);

// "debug", "info", "warn", "error"; anything else: false and `level` is left alone.
bool parse_level(std::string_view word, Level& level);

void write(Level level, std::string_view message, std::span<const Field> fields);

inline void debug(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::debug, message, {fields.begin(), fields.size()});
}
inline void info(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::info, message, {fields.begin(), fields.size()});
}
inline void warn(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::warn, message, {fields.begin(), fields.size()});
}
inline void error(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::error, message, {fields.begin(), fields.size()});
}

// The line that write() writes, without the line end. Control characters in texts are escaped: one event, one line.
std::string render(Format format, WallTime time, Level level, std::string_view message, std::span<const Field> fields);

}  // namespace banyan::log
