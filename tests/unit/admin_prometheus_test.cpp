#include "gateway/admin/prometheus.hpp"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <stdexcept>

#include "tests/unit/prometheus_page.hpp"

namespace banyan::admin {
namespace {

using test::PrometheusPage;

TEST(PrometheusWriter, WritesHelpAndTypeOnceThenTheSamples) {
  PrometheusWriter writer;
  writer.family(MetricType::counter, "a_total", "What\nit \\ \"is\".");
  writer.sample({}, std::uint64_t{1});
  writer.sample({{"x", "y"}, {"z", ""}}, std::uint64_t{2});

  EXPECT_EQ(writer.take(),
            "# HELP a_total What\\nit \\\\ \"is\".\n"
            "# TYPE a_total counter\n"
            "a_total 1\n"
            "a_total{x=\"y\",z=\"\"} 2\n");
}

TEST(PrometheusWriter, LabelValuesSurviveAsTheyAre) {
  const std::string nasty = "a\\b\"c\nd}e,f=\"\xC3\xA9";
  PrometheusWriter writer;
  writer.family(MetricType::gauge, "a", "Help.");
  writer.sample({{"x", nasty}}, std::uint64_t{7});

  EXPECT_EQ(PrometheusPage(writer.take()).value("a", {{"x", nasty}}), 7);
}

TEST(PrometheusWriter, NumbersAreExactAndPlain) {
  PrometheusWriter writer;
  writer.family(MetricType::gauge, "a", "Help.");
  writer.sample({{"n", "1"}}, std::numeric_limits<std::uint64_t>::max());
  writer.sample({{"n", "2"}}, 0.0005);
  writer.sample({{"n", "3"}}, -std::numeric_limits<double>::infinity());
  writer.sample({{"n", "4"}}, std::numeric_limits<double>::quiet_NaN());
  writer.sample({{"n", "5"}}, 1e300);

  const std::string page = writer.take();
  EXPECT_NE(page.find("{n=\"1\"} 18446744073709551615\n"), std::string::npos) << page;
  EXPECT_NE(page.find("{n=\"2\"} 0.0005\n"), std::string::npos) << page;
  EXPECT_NE(page.find("{n=\"3\"} -Inf\n"), std::string::npos) << page;
  EXPECT_NE(page.find("{n=\"4\"} NaN\n"), std::string::npos) << page;
  EXPECT_EQ(PrometheusPage(page).value("a", {{"n", "5"}}), 1e300);
}

TEST(PrometheusWriter, HistogramBucketsAreCumulativeAndEndAtInfinity) {
  constexpr std::array kBounds{0.005, 0.5};
  constexpr std::array<std::uint64_t, 3> kCounts{2, 0, 3};
  PrometheusWriter writer;
  writer.family(MetricType::histogram, "d_seconds", "Help.");
  writer.histogram({{"f", "g"}}, {kBounds, kCounts, 4.25});

  const PrometheusPage page(writer.take());
  EXPECT_EQ(page.value("d_seconds_bucket", {{"f", "g"}, {"le", "0.005"}}), 2);
  EXPECT_EQ(page.value("d_seconds_bucket", {{"f", "g"}, {"le", "0.5"}}), 2);
  EXPECT_EQ(page.value("d_seconds_bucket", {{"f", "g"}, {"le", "+Inf"}}), 5);
  EXPECT_EQ(page.value("d_seconds_sum", {{"f", "g"}}), 4.25);
  EXPECT_EQ(page.value("d_seconds_count", {{"f", "g"}}), 5);
}

TEST(PrometheusWriter, RefusesWhatWouldMakeAnInvalidPage) {
  constexpr std::array kBounds{1.0};
  constexpr std::array<std::uint64_t, 1> kTooFew{1};
  PrometheusWriter writer;
  EXPECT_THROW(writer.sample({}, std::uint64_t{1}), std::logic_error);
  EXPECT_THROW(writer.family(MetricType::gauge, "1a", "Help."), std::logic_error);
  writer.family(MetricType::histogram, "a", "Help.");
  EXPECT_THROW(writer.family(MetricType::histogram, "a", "Help."), std::logic_error);
  EXPECT_THROW(writer.sample({}, 1.0), std::logic_error);
  EXPECT_THROW(writer.histogram({}, {kBounds, kTooFew, 0}), std::logic_error);
  writer.family(MetricType::gauge, "b", "Help.");
  EXPECT_THROW(writer.sample({{"a-b", "c"}}, 1.0), std::logic_error);
}

TEST(PrometheusPage, SeesWhatTheFormatForbids) {
  const std::string head = "# HELP a b\n# TYPE a counter\n";
  const std::string histogram = "# HELP h b\n# TYPE h histogram\n";
  for (const std::string& page :
       {head + "a 1", head + "a 1\na 2\n", head + "b 1\n", head + "a{x=\"1} 1\n", head + "a{x=\"1\"}1\n", head + head,
        std::string("a 1\n"), head + "a x\n", head + "a{x=\"\\t\"} 1\n", head + "a -1\n",
        histogram + "h_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n",
        histogram + "h_bucket{le=\"1\"} 1\nh_sum 1\nh_count 1\n",
        histogram + "h_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 2\n"}) {
    EXPECT_THROW(PrometheusPage{page}, std::runtime_error) << page;
  }
}

}  // namespace
}  // namespace banyan::admin
