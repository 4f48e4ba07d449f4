// PrometheusWriter: the Prometheus text exposition format 0.0.4.
//
//   writer.family(MetricType::counter, "banyan_requests_total", "Requests answered.");
//   writer.sample({{"function", "party.read"}}, 42);
//
// A family is begun once and its samples follow at once, so HELP and TYPE cannot be repeated and families cannot mix.
// What would make an invalid page is a bug of the caller and throws std::logic_error: a family begun twice, a malformed
// name, a sample that does not fit the family's type. The same labels twice in one family are the caller's to avoid.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <set>
#include <span>
#include <string>
#include <string_view>

namespace banyan::admin {

inline constexpr std::string_view kPrometheusContentType = "text/plain; version=0.0.4; charset=utf-8";

enum class MetricType : std::uint8_t { counter, gauge, histogram };

struct MetricLabel {
  std::string_view name;
  std::string_view value;  // any text; escaped
};
using MetricLabels = std::initializer_list<MetricLabel>;

// One histogram. `counts` has one entry more than `bounds`: observations up to each bound and above the one before,
// then those above the last. Bounds rise.
struct HistogramSample {
  std::span<const double> bounds;
  std::span<const std::uint64_t> counts;
  double sum = 0;
};

class PrometheusWriter {
public:
  void family(MetricType type, std::string_view name, std::string_view help);
  void sample(MetricLabels labels, std::uint64_t value);
  void sample(MetricLabels labels, double value);
  void histogram(MetricLabels labels, const HistogramSample& sample);

  // The page so far; leaves the writer empty.
  std::string take();

private:
  void begin_sample(std::string_view suffix, MetricLabels labels, std::string_view le);
  void require(bool histogram) const;

  std::string out_;
  std::string name_;  // of the family under way; empty: none
  MetricType type_ = MetricType::counter;
  std::set<std::string, std::less<>> families_;
};

}  // namespace banyan::admin
