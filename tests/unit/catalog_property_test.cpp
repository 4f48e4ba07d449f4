// Random functions and requests: the compiled table answers as the plain reference does.
#include <gtest/gtest.h>

#include <random>

#include "tests/unit/catalog_reference.hpp"

namespace banyan::catalog {
namespace {

using Source = Predicate::Source;

class Generator {
public:
  explicit Generator(std::uint32_t seed) : random_(seed) {}

  std::vector<FunctionSpec> functions() {
    std::vector<FunctionSpec> all(1 + below(30));
    for (std::size_t i = 0; i < all.size(); ++i) {
      all[i].name = "f" + std::to_string(i);
      for (std::size_t n = 1 + below(2); n > 0; --n) all[i].matches.push_back(match());
    }
    return all;
  }

  reference::Request request() {
    reference::Request made;
    made.method = pick({"GET", "POST"});
    made.host = pick({"crm.example.com", "a.example.com", "b.a.example.com", "other"});
    made.path = path({"a", "b", "", "c"});
    if (below(2) == 0) made.query = "q=" + text() + "&r=" + text();
    if (below(2) == 0) made.headers.emplace_back("x-a", text());
    if (below(2) == 0) made.headers.emplace_back("x-b", text());
    made.body = R"({"method":")" + text() + R"(","params":[")" + text() + R"(",7],"k":{"l":)" +
                pick({"1", "true", "[]"}) + "}}";
    return made;
  }

private:
  std::size_t below(std::size_t limit) { return random_() % limit; }
  std::string pick(std::vector<std::string> from) { return from[below(from.size())]; }
  std::string text() { return pick({"aa", "ab", "ba", "aba", "bab", "b", ""}); }

  std::string path(const std::vector<std::string>& parts) {
    std::string made;
    for (std::size_t n = 1 + below(3); n > 0; --n) made += "/" + pick(parts);
    return made;
  }

  Match match() {
    Match made;
    if (below(2) == 0) made.methods = {pick({"GET", "POST"})};
    if (below(3) == 0) made.host = pick({"crm.example.com", "*.example.com", "*.a.example.com"});
    if (below(4) != 0) {
      const std::size_t depth = 1 + below(3);
      for (std::size_t i = 0; i < depth; ++i) made.path += "/" + pick({"a", "b", "{p" + std::to_string(i) + "}"});
      if (below(4) == 0) made.path += "/{rest...}";
      if (below(4) == 0 && !made.path.ends_with("...}")) made.path += "/";
    }
    for (std::size_t n = below(3); n > 0; --n) made.predicates.push_back(predicate());
    return made;
  }

  Predicate predicate() {
    static const std::vector<std::pair<Source, std::string>> places = {{Source::header, "x-a"},
                                                                       {Source::header, "x-b"},
                                                                       {Source::query, "q"},
                                                                       {Source::query, "r"},
                                                                       {Source::json_rpc, ""},
                                                                       {Source::json_pointer, "/method"},
                                                                       {Source::json_pointer, "/params/0"},
                                                                       {Source::json_pointer, "/k/l"}};
    const auto& [source, key] = places[below(places.size())];
    const auto kind = static_cast<TextPattern::Kind>(below(4));
    const std::string wanted =
        kind == TextPattern::Kind::glob ? pick({"a*", "*a", "a*a", "?a", "*a*b", "*", "b?b"}) : text();
    // A container is matched by `present` only; the reference knows scalars.
    if (key == "/k/l") return {source, key, {TextPattern::Kind::equals, pick({"1", "true"})}};
    return {source, key, {kind, wanted}};
  }

  std::mt19937 random_;
};

// Without the functions that are ambiguous, so that the rest compiles.
std::shared_ptr<const RouteTable> compile_what_is_clear(std::vector<FunctionSpec>& functions) {
  for (;;) {
    CompileResult result = compile(functions, {"legacy"});
    if (result.table) return result.table;
    for (auto fault = result.faults.rbegin(); fault != result.faults.rend(); ++fault) {
      const auto next = std::next(fault);
      if (next != result.faults.rend() && next->function == fault->function) continue;
      functions.erase(functions.begin() + static_cast<std::ptrdiff_t>(fault->function));
    }
  }
}

TEST(CompiledTable, AnswersAsTheReferenceDoes) {
  std::size_t recognised = 0;
  for (std::uint32_t seed = 0; seed < 300; ++seed) {
    Generator generator(seed);
    std::vector<FunctionSpec> functions = generator.functions();
    const auto table = compile_what_is_clear(functions);
    for (int i = 0; i < 40; ++i) {
      const reference::Request request = generator.request();
      const std::uint32_t expected = reference::recognise(functions, request);
      ASSERT_EQ(reference::recognise(*table, request), expected)
          << "seed " << seed << ": " << request.method << " " << request.host << request.path << "?" << request.query
          << " " << request.body;
      if (expected != table->unmapped()) ++recognised;
    }
  }
  EXPECT_GT(recognised, 3000U) << "the generator hits too little to prove anything";
}

}  // namespace
}  // namespace banyan::catalog
