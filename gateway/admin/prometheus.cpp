#include "gateway/admin/prometheus.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <functional>
#include <stdexcept>
#include <utility>

namespace banyan::admin {
namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Colons, which the format also allows, are for rules of a Prometheus server.
void require_name(std::string_view name) {
  const bool valid = !name.empty() && is_letter(name.front()) &&
                     std::all_of(name.begin(), name.end(), [](char c) { return is_letter(c) || is_digit(c); });
  if (!valid) throw std::logic_error("malformed metric or label name '" + std::string(name) + "'");
}

void append_escaped(std::string& out, std::string_view text, bool escape_quotes) {
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && escape_quotes) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
}

void append_number(std::string& out, std::uint64_t value) {
  std::array<char, 24> digits{};
  out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr);
}

void append_number(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else {
    // Plain notation where people can read it: 0.0005 rather than 5e-04.
    const double size = std::fabs(value);
    const bool plain = size == 0 || (size >= 1e-6 && size < 1e15);
    std::array<char, 40> digits{};
    out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value,
                                            plain ? std::chars_format::fixed : std::chars_format::scientific)
                                  .ptr);
  }
}

std::string_view word(MetricType type) {
  switch (type) {
    case MetricType::counter:
      return "counter";
    case MetricType::gauge:
      return "gauge";
    case MetricType::histogram:
      return "histogram";
  }
  throw std::logic_error("unknown metric type");
}

}  // namespace

void PrometheusWriter::family(MetricType type, std::string_view name, std::string_view help) {
  require_name(name);
  if (!families_.emplace(name).second) throw std::logic_error("metric family '" + std::string(name) + "' begun twice");
  name_ = name;
  type_ = type;
  out_.append("# HELP ").append(name).append(" ");
  append_escaped(out_, help, false);
  out_.append("\n# TYPE ").append(name).append(" ").append(word(type)).append("\n");
}

void PrometheusWriter::sample(MetricLabels labels, std::uint64_t value) {
  require(false);
  begin_sample("", labels, "");
  append_number(out_, value);
  out_ += '\n';
}

void PrometheusWriter::sample(MetricLabels labels, double value) {
  require(false);
  begin_sample("", labels, "");
  append_number(out_, value);
  out_ += '\n';
}

void PrometheusWriter::histogram(MetricLabels labels, const HistogramSample& sample) {
  require(true);
  if (sample.counts.size() != sample.bounds.size() + 1) throw std::logic_error("histogram needs a count per bucket");
  std::uint64_t cumulative = 0;
  std::string bound;
  for (std::size_t i = 0; i < sample.counts.size(); ++i) {
    cumulative += sample.counts[i];
    bound.clear();
    if (i < sample.bounds.size()) {
      append_number(bound, sample.bounds[i]);
    } else {
      bound = "+Inf";
    }
    begin_sample("_bucket", labels, bound);
    append_number(out_, cumulative);
    out_ += '\n';
  }
  begin_sample("_sum", labels, "");
  append_number(out_, sample.sum);
  out_ += '\n';
  begin_sample("_count", labels, "");
  append_number(out_, cumulative);
  out_ += '\n';
}

std::string PrometheusWriter::take() {
  name_.clear();
  families_.clear();
  return std::exchange(out_, {});
}

void PrometheusWriter::require(bool histogram) const {
  if (name_.empty()) throw std::logic_error("metric sample outside of a family");
  if (histogram != (type_ == MetricType::histogram)) {
    throw std::logic_error("metric sample does not fit the type of '" + name_ + "'");
  }
}

void PrometheusWriter::begin_sample(std::string_view suffix, MetricLabels labels, std::string_view le) {
  out_.append(name_).append(suffix);
  char separator = '{';
  const auto label = [&](std::string_view name, std::string_view value) {
    out_ += separator;
    out_.append(name).append("=\"");
    append_escaped(out_, value, true);
    out_ += '"';
    separator = ',';
  };
  for (const MetricLabel& each : labels) {
    require_name(each.name);
    label(each.name, each.value);
  }
  if (!le.empty()) label("le", le);
  if (separator == ',') out_ += '}';
  out_ += ' ';
}

}  // namespace banyan::admin
