// LegacyTable: a small legacy table whose rows stand for codes: country.country 17 for "DE", and the one who reads it.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <unordered_map>
#include <vector>

#include "adapters/legacy/legacy_system.hpp"
#include "adapters/sync/budget.hpp"
#include "gateway/base/clock.hpp"

namespace banyan::sync {

// Safe from any thread. Read before any stream of the mapping is used, and now and then; in between somebody may ask
// for a row that has come since. So a row that is not there is missing for sure only if the table has been read after
// it was asked for.
class LegacyTable {
public:
  using Json = legacy::Json;
  // Makes a code of what the key field holds; false: it cannot.
  using MakeCode = std::function<bool(std::string& code)>;
  enum class Missing : std::uint8_t { for_sure, perhaps };
  // What was asked for and not there: legacy ids, and codes.
  struct Asked {
    std::set<std::string> ids;
    std::set<std::string> codes;
    bool empty() const { return ids.empty() && codes.empty(); }
  };
  static constexpr std::size_t kMostAsked = 10'000;  // kept in mind of each; what is more is asked for again

  LegacyTable(std::string name, std::string type, std::string key, MakeCode make_code);

  const std::string& name() const { return name_; }
  const std::string& type() const { return type_; }  // the legacy record type to scan
  const std::string& key() const { return key_; }    // the legacy field that holds the code

  tl::expected<std::string, Missing> code_of(const std::string& legacy_id) const;
  tl::expected<std::string, Missing> id_of(const std::string& code) const;

  // A row as the adapter gave it; one without a code is left out. Of two rows with one code, the first is written. Rows
  // that are gone stay: records of before refer to them.
  void add(const std::string& legacy_id, const Json& fields);
  // All rows, read together. What they say counts over what was known: a code may have moved to another row.
  void add_all(std::span<const legacy::LegacyRecord> rows);
  std::size_t size() const;

  // A reading begins: what it is to find.
  Asked begin_reading();
  // It has ended, and all rows were added: what of `asked` is not there is missing for sure, until forget() or the end
  // of the next reading.
  void end_reading(const Asked& asked);
  void forget();
  // Whether it is worth reading.
  bool is_asked() const { return is_asked_.load(std::memory_order_relaxed); }

private:
  using Rows = std::unordered_map<std::string, std::string>;
  std::optional<std::string> code_in(const Json& fields) const;
  tl::expected<std::string, Missing> look_up(const Rows& rows, std::set<std::string> Asked::*kind,
                                             const std::string& key) const;

  const std::string name_;
  const std::string type_;
  const std::string key_;
  const MakeCode make_code_;
  mutable std::shared_mutex mutex_;
  Rows codes_;
  Rows ids_;
  Asked missing_;  // for sure
  mutable std::mutex asked_mutex_;
  mutable Asked asked_;
  mutable std::atomic<bool> is_asked_{false};
};

// Reads the tables of one legacy system. To be used from one thread. Its calls come out of the system's budget: as live
// work if somebody waits for a row, else as work that can wait; each page but the first may put it into debt.
class TableReader {
public:
  // A table that is read is left alone for so long, whatever is missed.
  static constexpr std::chrono::minutes kPause{1};
  // And is read again after so long even if nothing is: a row may have been renamed.
  static constexpr std::chrono::minutes kRefresh{5};

  struct Options {
    std::chrono::milliseconds call_deadline{20'000};  // of each page
    std::function<bool()> is_stopping = [] { return false; };
  };
  // `system`, `budget` and `clock` must outlive the object.
  TableReader(legacy::LegacySystem& system, std::span<const std::shared_ptr<LegacyTable>> tables, Budget& budget,
              Options options, const Clock& clock);

  // Those without a row. The first failure ends it; if the budget has no call, that is one of `rate_limited`.
  legacy::Answer<void> fill();
  // Those in which something was asked for that is not there, each once in kPause at most, and those that are older
  // than kRefresh. Where the budget has no call, that is tried again at once, and the call is made anyway once it has
  // been due for kPause. What fails is tried again after kPause.
  void read_again();

private:
  struct Known {
    std::shared_ptr<LegacyTable> table;
    SteadyTime read_at;
    std::optional<SteadyTime> tried_at;     // in the last kPause
    std::optional<SteadyTime> due_since{};  // with no call to be had
    bool is_failing = false;
  };
  legacy::Answer<void> read(LegacyTable& table);
  void read_again(Known& known);
  bool may_read(Known& known, Urgency urgency);

  legacy::LegacySystem& system_;
  Budget& budget_;
  const Options options_;
  const Clock& clock_;
  std::vector<Known> tables_;
};

}  // namespace banyan::sync
