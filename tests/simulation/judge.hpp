// Judge: looks at every commit of the engine the moment it is made, and at both sides when they have come to rest.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/simulation/ledger.hpp"
#include "tests/simulation/memory_store.hpp"
#include "tests/simulation/sim_legacy.hpp"
#include "tests/simulation/sim_port.hpp"

namespace banyan::simulation {

// A rule was broken. Ends the run; nothing of the product may catch it.
struct Violation {
  std::string text;
};

class Judge {
public:
  struct Line {  // one stream
    StreamId id = 0;
    const EntitySpec* entity = nullptr;
    const sync::StreamMapping* mapping = nullptr;
  };
  Judge(Ledger& ledger, MemoryStore& store, SimLegacy& system, std::vector<Line> lines);

  ThingId thing_of_record(const std::string& record_id, const std::string& entity);
  // After a commit of the engine. `owner_before`: when the step read its state.
  void committed(StreamId stream, const CommitSummary& summary);
  // The counters against the rows. Cheap enough to be asked after every operation.
  void check_conservation() const;

  // At rest. With `strict`, nobody's matter is open any more and so nothing is excused.
  void check_rest(bool strict) const;
  void check_ledger(std::chrono::microseconds clocks_differ) const;

private:
  struct Excuse {
    bool whole = false;
    std::vector<std::string> fields;
  };
  Excuse excuse_of(StreamId stream, const std::string& legacy_id, const std::string& record_id) const;
  void check_pair(const Line& line, const sync::Link& link, bool strict) const;
  void check_rows(const Line& line, bool strict) const;
  void check_records(const Line& line, bool strict) const;
  void check_duplicates(const Line& line) const;
  // Nobody is asked about a change that nothing stands in the way of any more, or that nobody wants any more.
  void check_questions(const Line& line) const;
  bool is_unknown_to_legacy(const Line& line, const std::string& record_id) const;
  bool has_its_references(const sync::Parked& matter, const Record& record) const;
  static bool decides(const Line& line, const CommitSummary::Write& write);
  void apply(const Line& line, const CommitSummary::Write& write, bool answers);
  const Line& line_of(StreamId stream) const { return lines_[static_cast<std::size_t>(stream - 1)]; }

  Ledger& ledger_;
  MemoryStore& store_;
  SimLegacy& system_;
  std::vector<Line> lines_;
  std::map<std::string, ThingId> things_;  // by record id
};

}  // namespace banyan::simulation
