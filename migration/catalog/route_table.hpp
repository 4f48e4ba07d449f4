// RouteTable: all functions, compiled so that recognising one costs the same whether there are ten or ten thousand.
//
// Order of specificity (the first difference decides; documented for users in docs/reference/matching.md):
//   1. host: exact, then wildcard with the longer suffix, then any
//   2. path: segment by segment from the left, literal before {x} before {rest...}; any path last
//   3. method: listed before any
//   4. number of predicates: body, then header, cookie, query; more before fewer
//   5. predicate patterns: equals, then prefix/glob by length of literal text, then present
// Two functions of equal rank that could both match one request are ambiguous: compile() reports them.
//
// Immutable after compile(); shared between threads as shared_ptr<const RouteTable>. No I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "migration/catalog/function.hpp"
#include "migration/catalog/request_view.hpp"

namespace banyan::catalog {

// Position of a function in RouteTable::functions(). The last one is always `unmapped`.
using FunctionId = std::uint32_t;

// A function as the data plane uses it: names of upstreams resolved to their positions in the settings.
struct Function {
  FunctionSpec spec;
  std::uint64_t split_seed = 0;       // which subjects a canary takes; see decide.hpp
  std::uint32_t legacy_upstream = 0;  // index into the upstream names given to compile()
  std::optional<std::uint32_t> modern_upstream;
};

// A fault in the functions of a settings file. `function` and `match` say where (positions in the input).
struct CatalogFault {
  std::size_t function = 0;
  std::optional<std::size_t> match;
  std::string found;
  std::string expected;
};

struct Recognition {
  FunctionId function = 0;  // meaningful if !needs_body
  bool needs_body = false;  // call again with a body that is complete or unavailable
  // What the function's `record_ids` shows. Empty: it has none, or the request does not say, or names too many.
  std::vector<std::string> record_ids{};
};

class RouteTable;

struct CompileResult {
  std::shared_ptr<const RouteTable> table;  // null if there are faults
  std::vector<CatalogFault> faults;         // every fault, not just the first
};

// `upstreams`: names in the order of the settings. `default_legacy`: the upstream of `unmapped`.
CompileResult compile(std::vector<FunctionSpec> functions, const std::vector<std::string>& upstreams,
                      std::string_view default_legacy = "legacy");

class RouteTable final {
public:
  ~RouteTable();
  RouteTable(const RouteTable&) = delete;
  RouteTable& operator=(const RouteTable&) = delete;

  // The most specific function that matches. Thread-safe. Allocates only to rewrite an unusual path and to read a body.
  Recognition recognise(const RequestView& request, const BodyView& body) const;

  const std::vector<Function>& functions() const;
  const Function& function(FunctionId id) const { return functions()[id]; }
  FunctionId unmapped() const { return static_cast<FunctionId>(functions().size() - 1); }

private:
  friend CompileResult compile(std::vector<FunctionSpec> functions, const std::vector<std::string>& upstreams,
                               std::string_view default_legacy);
  class Index;

  explicit RouteTable(std::unique_ptr<const Index> index);

  std::unique_ptr<const Index> index_;
};

}  // namespace banyan::catalog
