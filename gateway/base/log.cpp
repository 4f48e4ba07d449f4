#include "gateway/base/log.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cmath>
#include <memory>
#include <utility>

#include "gateway/base/json_text.hpp"

namespace banyan::log {
namespace {

constexpr std::array<std::pair<std::string_view, spdlog::level::level_enum>, 4> kLevels{{
    {"debug", spdlog::level::debug},
    {"info", spdlog::level::info},
    {"warn", spdlog::level::warn},
    {"error", spdlog::level::err},
}};

const auto& row(Level level) {
  return kLevels.at(static_cast<std::size_t>(level));
}

std::atomic<Format> g_format{Format::text};

// Made at first use and never taken down, so that destructors of other statics may still log.
spdlog::logger& logger() {
  static spdlog::logger* const instance = [] {
    auto made = std::make_unique<spdlog::logger>("banyan", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->set_level(spdlog::level::info);
    made->flush_on(spdlog::level::debug);
    return made.release();
  }();
  return *instance;
}

template <typename T>
void append_number(std::string& out, T number) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

// A text that could be taken for several fields, or that hides something, is quoted.
bool needs_quotes(std::string_view text) {
  return text.empty() || std::any_of(text.begin(), text.end(), [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return byte <= 0x20 || byte >= 0x7F || c == '"' || c == '=' || c == '\\';
         });
}

void append_value(std::string& out, Format format, const Field::Value& value) {
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    if (format == Format::json || needs_quotes(*text)) {
      append_json_string(out, *text);
    } else {
      out += *text;
    }
  } else if (const auto* truth = std::get_if<bool>(&value)) {
    out += *truth ? "true" : "false";
  } else if (const auto* real = std::get_if<double>(&value)) {
    if (std::isfinite(*real)) {
      append_number(out, *real);
    } else {
      out += "null";  // JSON has no other word for it
    }
  } else if (const auto* whole = std::get_if<std::int64_t>(&value)) {
    append_number(out, *whole);
  } else {
    append_number(out, std::get<std::uint64_t>(value));
  }
}

void append_message_text(std::string& out, std::string_view message) {
  const bool plain = std::all_of(message.begin(), message.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte < 0x7F;
  });
  if (plain) {
    out += message;
  } else {
    append_json_string(out, message);
  }
}

}  // namespace

void configure(const Options& options) {
  g_format.store(options.format, std::memory_order_relaxed);
  logger().set_level(row(options.level).second);
}

bool parse_level(std::string_view word, Level& level) {
  const auto* found =
      std::find_if(kLevels.begin(), kLevels.end(), [&](const auto& entry) { return entry.first == word; });
  if (found == kLevels.end()) return false;
  level = static_cast<Level>(found - kLevels.begin());
  return true;
}

std::string render(Format format, WallTime time, Level level, std::string_view message, std::span<const Field> fields) {
  std::string line;
  line.reserve(160);
  if (format == Format::json) {
    line += R"({"time":")";
    append_rfc3339(line, time);
    line += R"(","level":")";
    line += row(level).first;
    line += R"(","message":)";
    append_json_string(line, message);
    for (const Field& field : fields) {
      line += ',';
      append_json_string(line, field.name());
      line += ':';
      append_value(line, format, field.value());
    }
    line += '}';
    return line;
  }
  append_rfc3339(line, time);
  line += ' ';
  line += row(level).first;
  line += ' ';
  append_message_text(line, message);
  for (const Field& field : fields) {
    line += ' ';
    line += field.name();
    line += '=';
    append_value(line, format, field.value());
  }
  return line;
}

void write(Level level, std::string_view message, std::span<const Field> fields) {
  if (!logger().should_log(row(level).second)) return;
  const std::string line =
      render(g_format.load(std::memory_order_relaxed), std::chrono::system_clock::now(), level, message, fields);
  logger().log(row(level).second, spdlog::string_view_t(line));
}

}  // namespace banyan::log
