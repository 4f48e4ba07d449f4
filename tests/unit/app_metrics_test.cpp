#include "gateway/app/metrics.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>

#include "tests/unit/prometheus_page.hpp"

namespace banyan::app {
namespace {

using catalog::ServedBy;
using catalog::Stage;
using test::Labels;
using test::PrometheusPage;

// party.read in canary, party.write in legacy, and `unmapped`.
std::shared_ptr<const catalog::RouteTable> a_table() {
  catalog::FunctionSpec read;
  read.name = "party.read";
  read.matches = {{{}, {}, "/read", {}}};
  read.modern = catalog::ModernTarget{"modern"};
  read.stage = Stage::canary;
  read.percent = 10;
  catalog::FunctionSpec write;
  write.name = "party.write";
  write.matches = {{{}, {}, "/write", {}}};
  return catalog::compile({read, write}, {"legacy", "modern"}).table;
}

// What one io thread counted.
struct Thread {
  explicit Thread(std::size_t functions) : owned(functions) {
    counters.functions = std::vector<std::atomic<proxy::FunctionCounters*>>(functions);
  }
  proxy::FunctionCounters& function(std::size_t id) {
    owned[id] = std::make_unique<proxy::FunctionCounters>();
    counters.functions[id] = owned[id].get();
    return *owned[id];
  }
  void request(proxy::FunctionCounters& to, ServedBy served_by, std::size_t status_class, std::uint64_t duration_us) {
    to.requests[static_cast<std::size_t>(served_by)][status_class].add();
    to.duration[static_cast<std::size_t>(served_by)].record(duration_us);
  }
  proxy::Counters counters;
  std::vector<std::unique_ptr<proxy::FunctionCounters>> owned;
};

class MetricsTest : public testing::Test {
protected:
  PrometheusPage page() {
    MetricsInput input;
    input.counters = {&one_.counters, &two_.counters};
    input.table = table_.get();
    input.version = "1.2.3";
    admin::PrometheusWriter writer;
    render_metrics(input, writer);
    return PrometheusPage(writer.take());
  }

  std::shared_ptr<const catalog::RouteTable> table_ = a_table();
  Thread one_{3};
  Thread two_{3};
};

TEST_F(MetricsTest, RequestsAreSummedOverThreads) {
  one_.request(one_.function(0), ServedBy::modern, 2, 700);
  auto& other = two_.function(0);
  two_.request(other, ServedBy::modern, 2, 70'000'000);
  two_.request(other, ServedBy::none, 5, 1);
  other.request_bytes.add(10);

  const PrometheusPage result = page();
  const Labels modern{{"function", "party.read"}, {"stage", "canary"}, {"served_by", "modern"}};
  Labels answered = modern;
  answered["status_class"] = "2xx";
  EXPECT_EQ(result.value("banyan_requests_total", answered), 2);
  EXPECT_EQ(result.count("banyan_requests_total"), 2U);
  EXPECT_EQ(result.value("banyan_request_duration_seconds_count", modern), 2);
  EXPECT_DOUBLE_EQ(result.value("banyan_request_duration_seconds_sum", modern), 70.0007);
  Labels bucket = modern;
  bucket["le"] = "0.001";
  EXPECT_EQ(result.value("banyan_request_duration_seconds_bucket", bucket), 1);
  EXPECT_EQ(result.value("banyan_request_body_bytes_total", {{"function", "party.read"}, {"stage", "canary"}}), 10);
}

TEST_F(MetricsTest, RequestWithoutAnAnswerHasNoStatusClass) {
  one_.request(one_.function(2), ServedBy::legacy, 0, 1);
  EXPECT_EQ(
      page().value("banyan_requests_total",
                   {{"function", "unmapped"}, {"stage", "legacy"}, {"served_by", "legacy"}, {"status_class", "none"}}),
      1);
}

TEST_F(MetricsTest, FunctionsThatNobodyCalledAreAbsent) {
  const PrometheusPage result = page();
  EXPECT_EQ(result.types().at("banyan_requests_total"), "counter");
  EXPECT_EQ(result.count("banyan_requests_total"), 0U);
  EXPECT_EQ(result.count("banyan_request_body_bytes_total"), 0U);
  EXPECT_EQ(result.count("banyan_request_duration_seconds_count"), 0U);
}

TEST_F(MetricsTest, EndpointsAreSummedOverThreads) {
  for (Thread* thread : {&one_, &two_}) {
    auto& upstream = thread->counters.upstreams.emplace_back();
    upstream.name = "legacy";
    upstream.endpoint_names = {"127.0.0.1:8001", "127.0.0.1:8002"};
    upstream.endpoints.resize(2);
    upstream.endpoints[1].requests.add(5);
    upstream.endpoints[1].outstanding.add(2);
    upstream.endpoints[1].outstanding.subtract();
  }
  const PrometheusPage result = page();
  const Labels second{{"upstream", "legacy"}, {"endpoint", "127.0.0.1:8002"}};
  EXPECT_EQ(result.value("banyan_upstream_requests_total", second), 10);
  EXPECT_EQ(result.value("banyan_upstream_requests_outstanding", second), 2);
  EXPECT_EQ(result.value("banyan_upstream_failures_total", second), 0);
  EXPECT_EQ(result.count("banyan_upstream_requests_total"), 2U);
}

TEST_F(MetricsTest, ConnectionsAndRefusalsAreSummedOverThreads) {
  for (Thread* thread : {&one_, &two_}) {
    thread->counters.connections_open.add(3);
    thread->counters.timeouts.add();
    auto& refusal = thread->counters.refusals.emplace_back();
    refusal.name = "bare_lf";
    refusal.count.add(4);
  }
  const PrometheusPage result = page();
  EXPECT_EQ(result.value("banyan_connections_open"), 6);
  EXPECT_EQ(result.value("banyan_timeouts_total"), 2);
  EXPECT_EQ(result.value("banyan_gate_refusals_total", {{"rule", "bare_lf"}}), 8);
  EXPECT_EQ(result.value("banyan_io_threads"), 2);
  EXPECT_EQ(result.value("banyan_build_info", {{"version", "1.2.3"}}), 1);
}

TEST_F(MetricsTest, ObservedWritesAreSummedOverThreadsByOutcome) {
  one_.counters.writes_with_ids.add(2);
  two_.counters.writes_with_ids.add();
  two_.counters.writes_dropped.add(5);
  const PrometheusPage result = page();
  EXPECT_EQ(result.value("banyan_observed_writes_total", {{"outcome", "with_ids"}}), 3);
  EXPECT_EQ(result.value("banyan_observed_writes_total", {{"outcome", "without_ids"}}), 0);
  EXPECT_EQ(result.value("banyan_observed_writes_total", {{"outcome", "dropped"}}), 5);
}

TEST(AccessLogMetrics, LostLinesAreShown) {
  auto log = AsyncLog::open("/dev/full");
  ASSERT_TRUE(log);
  (*log)->write("a\nb\n", 2);
  (*log)->close();
  MetricsInput input;
  input.access_log = log->get();
  admin::PrometheusWriter writer;
  render_metrics(input, writer);

  const PrometheusPage result(writer.take());
  EXPECT_EQ(result.value("banyan_access_log_dropped_lines_total"), 2);
  EXPECT_EQ(result.value("banyan_access_log_written_lines_total"), 0);
  EXPECT_EQ(result.value("banyan_access_log_write_errors_total"), 1);
}

TEST(ProcessFigures, AreThoseOfThisProcess) {
  const auto before = read_process_figures();
  ASSERT_TRUE(before);
  const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  const auto after = read_process_figures();
  ::close(fd);

  EXPECT_EQ(after->open_descriptors, before->open_descriptors + 1);
  EXPECT_GE(before->descriptor_limit, before->open_descriptors);
  EXPECT_GT(before->resident_bytes, 1U << 20);
  EXPECT_GE(before->threads, 1U);
  EXPECT_GE(after->cpu_seconds, before->cpu_seconds);
  const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
  EXPECT_LE(before->start_time_seconds, now.count() + 2);
  EXPECT_GT(before->start_time_seconds, now.count() - 3600);
}

TEST(ProcessFigures, AreFamiliesOfTheirOwn) {
  MetricsInput input;
  input.process = ProcessFigures{4096, 7, 1024, 3, 1.5, 1.7e9};
  admin::PrometheusWriter writer;
  render_metrics(input, writer);

  const PrometheusPage result(writer.take());
  EXPECT_EQ(result.value("process_resident_memory_bytes"), 4096);
  EXPECT_EQ(result.value("process_open_fds"), 7);
  EXPECT_EQ(result.value("process_cpu_seconds_total"), 1.5);
  EXPECT_EQ(result.value("process_start_time_seconds"), 1.7e9);
}

}  // namespace
}  // namespace banyan::app
