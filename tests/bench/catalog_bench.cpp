// What recognising a request costs: it must not grow with the number of functions.
#include <benchmark/benchmark.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "migration/catalog/route_table.hpp"

namespace banyan::catalog {
namespace {

using Source = Predicate::Source;
using Kind = TextPattern::Kind;

template <class MakeMatch>
std::shared_ptr<const RouteTable> table_of(std::int64_t count, const MakeMatch& make_match) {
  std::vector<FunctionSpec> functions(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < functions.size(); ++i) {
    functions[i].name = "f" + std::to_string(i);
    functions[i].matches.push_back(make_match(std::to_string(i)));
  }
  CompileResult result = compile(std::move(functions), {"legacy"});
  if (!result.table) throw std::logic_error("the benchmark's functions are faulty: " + result.faults.front().found);
  return result.table;
}

Match asking(Source source, const std::string& key, Kind kind, const std::string& text) {
  Match match;
  match.path = "/rpc/";
  match.predicates.push_back({source, key, {kind, text}});
  return match;
}

const std::vector<HeaderField>& usual_headers() {
  static const std::vector<HeaderField> headers = {{"Host", "crm.example.com"},
                                                   {"User-Agent", "Mozilla/5.0"},
                                                   {"Accept", "*/*"},
                                                   {"Content-Type", "application/json"},
                                                   {"X-Action", "action7"},
                                                   {"Accept-Encoding", "gzip"},
                                                   {"X-Requested-With", "XMLHttpRequest"},
                                                   {"Connection", "keep-alive"}};
  return headers;
}

void measure(benchmark::State& state, const RouteTable& table, const std::string& path, const std::string& body,
             bool expect_hit) {
  const RequestView request{"POST", "crm.example.com", path, "", usual_headers()};
  const BodyView view{BodyView::State::complete, body};
  if ((table.recognise(request, view).function != table.unmapped()) != expect_hit) state.SkipWithError("wrong answer");
  for (auto _ : state) benchmark::DoNotOptimize(table.recognise(request, view));
}

void DistinctPaths(benchmark::State& state) {
  const auto table = table_of(state.range(0), [](const std::string& n) {
    Match match;
    match.path = "/api/v1/entity" + n + "/{id}";
    return match;
  });
  measure(state, *table, "/api/v1/entity7/12345", "", true);
}

void NothingMatches(benchmark::State& state) {
  const auto table = table_of(state.range(0), [](const std::string& n) {
    Match match;
    match.path = "/api/v1/entity" + n;
    return match;
  });
  measure(state, *table, "/static/app.js", "", false);
}

void OnePathHeader(benchmark::State& state) {
  const auto table = table_of(state.range(0), [](const std::string& n) {
    return asking(Source::header, "X-Action", Kind::equals, "action" + n);
  });
  measure(state, *table, "/rpc/", "", true);
}

void OnePathJsonRpc(benchmark::State& state) {
  const auto table = table_of(state.range(0), [](const std::string& n) {
    return asking(Source::json_rpc, "", Kind::equals, "model.party.m" + n);
  });
  measure(state, *table, "/rpc/", R"({"id":1,"method":"model.party.m7","params":[[1,2,3],["name"],{"company":1}]})",
          true);
}

void OnePathGlob(benchmark::State& state) {
  const auto table = table_of(
      state.range(0), [](const std::string& n) { return asking(Source::header, "X-Action", Kind::glob, "act*n" + n); });
  measure(state, *table, "/rpc/", "", true);
}

BENCHMARK(DistinctPaths)->Arg(10)->Arg(1000)->Arg(10000);
BENCHMARK(NothingMatches)->Arg(10)->Arg(1000)->Arg(10000);
BENCHMARK(OnePathHeader)->Arg(10)->Arg(1000)->Arg(10000);
BENCHMARK(OnePathJsonRpc)->Arg(10)->Arg(1000)->Arg(10000);
BENCHMARK(OnePathGlob)->Arg(10)->Arg(1000)->Arg(10000);

}  // namespace
}  // namespace banyan::catalog
