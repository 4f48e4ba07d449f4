#include "adapters/sync/legacy_table.hpp"

#include <iterator>
#include <utility>

#include "gateway/base/log.hpp"

namespace banyan::sync {
namespace {

constexpr std::size_t kPage = 1'000;

}  // namespace

LegacyTable::LegacyTable(std::string name, std::string type, std::string key, MakeCode make_code)
    : name_(std::move(name)), type_(std::move(type)), key_(std::move(key)), make_code_(std::move(make_code)) {}

tl::expected<std::string, LegacyTable::Missing> LegacyTable::look_up(const Rows& rows,
                                                                     std::set<std::string> Asked::*kind,
                                                                     const std::string& key) const {
  const std::shared_lock lock(mutex_);
  if (const auto at = rows.find(key); at != rows.end()) return at->second;
  if ((missing_.*kind).contains(key)) return tl::unexpected(Missing::for_sure);
  const std::lock_guard asked_lock(asked_mutex_);
  std::set<std::string>& asked = asked_.*kind;
  if (asked.size() < kMostAsked) asked.insert(key);
  is_asked_.store(true, std::memory_order_relaxed);
  return tl::unexpected(Missing::perhaps);
}

tl::expected<std::string, LegacyTable::Missing> LegacyTable::code_of(const std::string& legacy_id) const {
  return look_up(codes_, &Asked::ids, legacy_id);
}

tl::expected<std::string, LegacyTable::Missing> LegacyTable::id_of(const std::string& code) const {
  return look_up(ids_, &Asked::codes, code);
}

std::optional<std::string> LegacyTable::code_in(const Json& fields) const {
  const auto code = fields.find(key_);
  if (code == fields.end() || !code->is_string()) return std::nullopt;
  std::string text = code->get<std::string>();
  if (!make_code_(text) || text.empty()) return std::nullopt;
  return text;
}

void LegacyTable::add(const std::string& legacy_id, const Json& fields) {
  auto code = code_in(fields);
  if (!code) return;
  const std::unique_lock lock(mutex_);
  codes_.insert_or_assign(legacy_id, *code);
  ids_.emplace(std::move(*code), legacy_id);
}

void LegacyTable::add_all(std::span<const legacy::LegacyRecord> rows) {
  Rows ids;
  Rows codes;
  for (const legacy::LegacyRecord& row : rows) {
    auto code = code_in(row.fields);
    if (!code) continue;
    ids.emplace(*code, row.id);
    codes.insert_or_assign(row.id, std::move(*code));
  }
  const std::unique_lock lock(mutex_);
  ids.merge(ids_);
  codes.merge(codes_);
  ids_ = std::move(ids);
  codes_ = std::move(codes);
}

std::size_t LegacyTable::size() const {
  const std::shared_lock lock(mutex_);
  return codes_.size();
}

LegacyTable::Asked LegacyTable::begin_reading() {
  const std::lock_guard lock(asked_mutex_);
  is_asked_.store(false, std::memory_order_relaxed);
  return std::exchange(asked_, {});
}

void LegacyTable::end_reading(const Asked& asked) {
  const std::unique_lock lock(mutex_);
  missing_ = asked;
  std::erase_if(missing_.ids, [&](const std::string& id) { return codes_.contains(id); });
  std::erase_if(missing_.codes, [&](const std::string& code) { return ids_.contains(code); });
}

void LegacyTable::forget() {
  const std::unique_lock lock(mutex_);
  missing_ = {};
}

TableReader::TableReader(legacy::LegacySystem& system, std::span<const std::shared_ptr<LegacyTable>> tables,
                         Budget& budget, Options options, const Clock& clock)
    : system_(system), budget_(budget), options_(std::move(options)), clock_(clock) {
  for (const auto& table : tables) tables_.push_back({table, clock.now(), std::nullopt});
}

// The first call has been taken out of the budget.
legacy::Answer<void> TableReader::read(LegacyTable& table) {
  std::vector<legacy::LegacyRecord> rows;  // all of them, or none
  std::string position;
  for (bool more = true; more;) {
    if (options_.is_stopping())
      return tl::unexpected(legacy::Failure{legacy::Failure::Kind::unavailable, "stopping", {}});
    if (!position.empty()) budget_.spend();
    auto page = system_.scan(table.type(), position, kPage, Deadline::after(clock_, options_.call_deadline));
    if (!page) {
      const auto& failure = page.error();
      const bool is_limit = failure.kind == legacy::Failure::Kind::rate_limited;
      if (is_limit && failure.retry_after) budget_.pause_until(clock_.now() + *failure.retry_after);
      return tl::unexpected(std::move(page.error()));
    }
    std::move(page->records.begin(), page->records.end(), std::back_inserter(rows));
    position = page->next.id;
    more = page->more;
  }
  table.add_all(rows);
  return {};
}

legacy::Answer<void> TableReader::fill() {
  for (Known& known : tables_) {
    if (known.table->size() > 0) continue;
    if (const auto later = budget_.take(Urgency::live)) {
      const auto wait = std::chrono::ceil<std::chrono::milliseconds>(*later - clock_.now());
      return tl::unexpected(legacy::Failure{legacy::Failure::Kind::rate_limited,
                                            "calls_per_second leaves no call for its tables now", wait});
    }
    if (auto done = read(*known.table); !done) return done;
    known.read_at = clock_.now();
  }
  return {};
}

void TableReader::read_again() {
  const SteadyTime now = clock_.now();
  for (Known& known : tables_) {
    if (known.tried_at && now - *known.tried_at < kPause) continue;
    if (known.tried_at) known.table->forget();
    known.tried_at.reset();
    const bool is_asked = known.table->is_asked();
    if (!is_asked && now - known.read_at < kRefresh) continue;
    if (!may_read(known, is_asked ? Urgency::live : Urgency::background)) continue;
    known.tried_at = now;
    read_again(known);
  }
}

// Somebody else may be faster each time that there is a call.
bool TableReader::may_read(Known& known, Urgency urgency) {
  const SteadyTime now = clock_.now();
  const auto later = budget_.take(urgency);
  const SteadyTime since = known.due_since.value_or(now);
  const bool is_paused = later && *later - now > kPause;
  if (later && (is_paused || now - since < kPause)) {
    known.due_since = since;
    return false;
  }
  if (later) budget_.spend();
  known.due_since.reset();
  return true;
}

void TableReader::read_again(Known& known) {
  const LegacyTable::Asked asked = known.table->begin_reading();
  const auto done = read(*known.table);
  if (done) {
    known.table->end_reading(asked);
    known.read_at = *known.tried_at;
  } else if (!known.is_failing) {
    log::warn("a table of the legacy system cannot be read again",
              {{"table", known.table->name()}, {"type", known.table->type()}, {"reason", done.error().message}});
  }
  known.is_failing = !done;
}

}  // namespace banyan::sync
