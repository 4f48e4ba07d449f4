// The reading half of TrytonSystem.
#include "adapters/legacy/tryton/tryton_system.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "adapters/legacy/tryton/feed.hpp"
#include "adapters/legacy/tryton/values.hpp"

namespace banyan::legacy::tryton {
namespace {

using Kind = Failure::Kind;

constexpr std::size_t kHopeless = 16;       // records read alone in vain before it is not the records' fault
constexpr std::size_t kFindLimit = 10'000;  // records that one find() may give
constexpr std::size_t kNamedProblems = 5;

const Json kById = Json::array({Json::array({"id", "ASC"})});

Json by(const char* column) {
  return Json::array({Json::array({column, "ASC"}), Json::array({"id", "ASC"})});
}

Json clause(const char* field, const char* comparison, Json value) {
  return Json::array({field, comparison, std::move(value)});
}

// Whether a page fails because of a record in it, and not because nothing works.
bool is_fault_of_a_record(const Failure& failure) {
  return failure.kind == Kind::rejected || failure.kind == Kind::malformed;
}

std::string describe_problems(const std::vector<LegacyRecord>& unreadable) {
  std::string text;
  for (std::size_t i = 0; i < unreadable.size() && i < kNamedProblems; ++i) {
    text += (i == 0 ? "" : "; ") + unreadable[i].id + ": " + excerpt(unreadable[i].fields.value("problem", ""), 160);
  }
  if (unreadable.size() > kNamedProblems) {
    text += "; and " + std::to_string(unreadable.size() - kNamedProblems) + " more";
  }
  return text;
}

}  // namespace

// What the halving of a page has found so far.
struct TrytonSystem::Isolation {
  const std::string& type;
  const RowShape& shape;
  Deadline deadline;
  std::map<std::int64_t, LegacyRecord> frames;  // by id; what is known of a record that cannot be read
  Rows rows;
  std::size_t alone_in_vain = 0;
};

TrytonSystem::TrytonSystem(TrytonOptions options, const Clock& clock)
    : options_(std::move(options)), rpc_(options_.rpc, clock) {
  default_capabilities_ = Capabilities{.feed = Feed::poll,
                                       .ordering = Ordering::stamp,
                                       .deletes = DeleteVisibility::sweep_only,
                                       .compare_and_set = CompareAndSet::version,
                                       .create_identity = CreateIdentity::search,
                                       .sees_author = true,
                                       .sees_merges = false,
                                       .can_restore = false,
                                       .describes_itself = true,
                                       .partial_update = true,
                                       .page_limit = options_.page_limit,
                                       .fetch_limit = options_.page_limit,
                                       .stamp_precision = std::chrono::microseconds(1),
                                       .overlap = options_.overlap,
                                       .calls_per_second = options_.calls_per_second};
  for (const auto& [type, type_options] : options_.types) {
    capabilities_[type] = default_capabilities_;
    capabilities_[type].sees_merges = !type_options.replaced_by.empty();
  }
}

const Capabilities& TrytonSystem::capabilities(const std::string& type) const {
  const auto found = capabilities_.find(type);
  return found == capabilities_.end() ? default_capabilities_ : found->second;
}

const TypeOptions& TrytonSystem::options_of(const std::string& type) const {
  static const TypeOptions none;
  const auto found = options_.types.find(type);
  return found == options_.types.end() ? none : found->second;
}

Json TrytonSystem::within_scope(const std::string& type, Json domain) const {
  const Json& scope = options_of(type).domain;
  return scope.empty() ? std::move(domain) : Json::array({scope, std::move(domain)});
}

Cursor TrytonSystem::rewind(const std::string& /*type*/, const Cursor& cursor,
                            std::chrono::milliseconds overlap) const {
  const auto stamp = parse_stamp(cursor.stamp);
  return stamp ? Cursor{format_stamp(*stamp - overlap), ""} : cursor;
}

std::chrono::milliseconds TrytonSystem::distance(const std::string& /*type*/, const Cursor& later,
                                                 const Cursor& earlier) const {
  const auto to = parse_stamp(later.stamp);
  const auto from = parse_stamp(earlier.stamp);
  if (!to || !from) return std::chrono::milliseconds(0);
  const auto span = std::chrono::duration_cast<std::chrono::milliseconds>(*to - *from);
  if (span.count() != 0) return span;
  return std::chrono::milliseconds(comes_before(earlier, later) ? 1 : comes_before(later, earlier) ? -1 : 0);
}

// The greatest value of a stamp's column; empty: none.
Answer<std::string> TrytonSystem::newest(const std::string& type, const char* column, Deadline deadline) {
  const Json newest_first = Json::array({Json::array({column, "DESC"})});
  const auto rows = search_read({type, Json::array({clause(column, "!=", nullptr)}), newest_first, 1},
                                Json::array({column}), deadline);
  if (!rows) return tl::unexpected(rows.error());
  if (rows->empty()) return std::string();
  const Json& row = (*rows)[0];
  const auto plain = row.is_object() && row.contains(column) ? to_plain(row[column]) : Value<Json>(Json());
  if (!plain || !plain->is_string() || !parse_stamp(plain->get<std::string>())) {
    return tl::unexpected(Failure{Kind::malformed, type + ": expected a time in " + std::string(column), std::nullopt});
  }
  return plain->get<std::string>();
}

Answer<Cursor> TrytonSystem::here(const std::string& type, Deadline deadline) {
  const auto created = newest(type, "create_date", deadline);
  if (!created) return tl::unexpected(created.error());
  const auto written = newest(type, "write_date", deadline);
  if (!written) return tl::unexpected(written.error());
  return Cursor{std::max(*created, *written), ""};
}

Answer<RowShape> TrytonSystem::shape_of(const std::string& type, Deadline deadline) {
  const auto user = rpc_.user(deadline);
  if (!user) return tl::unexpected(user.error());
  const TypeOptions& options = options_of(type);
  return RowShape{options.fields, options.replaced_by, *user};
}

Answer<Json> TrytonSystem::search_read(const Query& query, const Json& names, Deadline deadline) {
  auto rows = rpc_.call(query.type, "search_read", Json::array({query.domain, 0, query.limit, query.order, names}),
                        Effect::reads, deadline);
  if (!rows) return rows;
  if (!rows->is_array() || rows->size() > query.limit) {
    return tl::unexpected(Failure{Kind::malformed, query.type + ": expected a list of records", std::nullopt});
  }
  return rows;
}

Answer<TrytonSystem::Rows> TrytonSystem::read(const Query& query, Deadline deadline) {
  const auto shape = shape_of(query.type, deadline);
  if (!shape) return tl::unexpected(shape.error());
  const auto rows = search_read(query, names_to_read(*shape), deadline);
  if (!rows) {
    if (!is_fault_of_a_record(rows.error())) return tl::unexpected(rows.error());
    return read_one_by_one(query, *shape, rows.error(), deadline);
  }
  Rows read;
  for (const auto& row : *rows) {
    auto record = to_record(row, *shape);
    if (record) {
      read.records.push_back(std::move(*record));
    } else {
      read.unreadable.push_back(to_unreadable(row, record.error()));
    }
  }
  return read;
}

// Tryton fails a whole page for one record in it. The rows' frames, which the server computes nothing for, tell which
// records are meant; halving finds those that cannot be read.
Answer<TrytonSystem::Rows> TrytonSystem::read_one_by_one(const Query& query, const RowShape& shape,
                                                         const Failure& because, Deadline deadline) {
  const auto frames = search_read(query, names_of_frame(), deadline);
  if (!frames) return tl::unexpected(is_fault_of_a_record(frames.error()) ? because : frames.error());
  Isolation work{query.type, shape, deadline, {}, {}, 0};
  std::vector<std::int64_t> ids;
  for (const auto& frame : *frames) {
    LegacyRecord record = to_unreadable(frame, because.message);
    if (const auto id = parse_id(record.id)) {
      ids.push_back(*id);
      work.frames[*id] = std::move(record);
    } else {
      work.rows.unreadable.push_back(std::move(record));
    }
  }
  if (const auto failure = isolate(work, ids)) return tl::unexpected(*failure);
  return std::move(work.rows);
}

std::optional<Failure> TrytonSystem::isolate(Isolation& work, std::span<const std::int64_t> ids) {
  if (ids.empty()) return std::nullopt;
  const Query query{work.type, Json::array({clause("id", "in", Json(std::vector(ids.begin(), ids.end())))}), kById,
                    ids.size()};
  const auto rows = search_read(query, names_to_read(work.shape), work.deadline);
  if (rows) {
    for (const auto& row : *rows) {
      auto record = to_record(row, work.shape);
      if (record) {
        work.rows.records.push_back(std::move(*record));
      } else {
        work.rows.unreadable.push_back(to_unreadable(row, record.error()));
      }
    }
    return std::nullopt;
  }
  if (!is_fault_of_a_record(rows.error())) return rows.error();
  if (ids.size() == 1) {
    LegacyRecord& record = work.frames[ids.front()];
    record.fields["problem"] = rows.error().message;
    work.rows.unreadable.push_back(std::move(record));
    ++work.alone_in_vain;
    const bool hopeless = work.rows.records.empty() && work.alone_in_vain >= kHopeless;
    return hopeless ? std::optional(rows.error()) : std::nullopt;
  }
  if (auto failure = isolate(work, ids.first(ids.size() / 2))) return failure;
  return isolate(work, ids.subspan(ids.size() / 2));
}

// The first `limit` rows of what was read, in the order of the feed.
Page TrytonSystem::to_page(Rows rows, const Cursor& after, std::size_t limit) {
  std::vector<LegacyRecord> all = std::move(rows.records);
  const std::size_t readable = all.size();
  std::vector<std::string> bad;
  Page page;
  page.next = after;
  for (auto& record : rows.unreadable) {
    bad.push_back(record.id);
    if (record.cursor == Cursor{}) {
      page.unreadable.push_back(std::move(record));  // it has no place in the feed
    } else {
      all.push_back(std::move(record));
    }
  }
  put_in_order(all);
  page.more = all.size() > limit;
  if (page.more) all.resize(limit);
  if (!all.empty()) page.next = all.back().cursor;
  if (readable == all.size() && bad.empty()) {
    page.records = std::move(all);
    return page;
  }
  for (auto& record : all) {
    const bool is_bad = std::find(bad.begin(), bad.end(), record.id) != bad.end();
    (is_bad ? page.unreadable : page.records).push_back(std::move(record));
  }
  page.problem = describe_problems(page.unreadable);
  return page;
}

Answer<Page> TrytonSystem::changes(const std::string& type, const Cursor& after, std::size_t limit, Deadline deadline) {
  limit = std::clamp<std::size_t>(limit, 1, options_.page_limit);
  // Mostly there are few changes: all of them in one call, put in order here. Else what came is no beginning.
  const Query all{type, within_scope(type, rows_after(after)), kById, limit + 1};
  auto rows = read(all, deadline);
  if (!rows) return tl::unexpected(rows.error());
  if (rows->size() > limit) return changes_of_backlog(type, after, limit, deadline);
  return to_page(std::move(*rows), after, limit);
}

// The beginning of each of the two parts that the feed consists of; merged, the first `limit` rows are the feed's. A
// record that is written in between leaves the first part, so the second is asked for later.
Answer<Page> TrytonSystem::changes_of_backlog(const std::string& type, const Cursor& after, std::size_t limit,
                                              Deadline deadline) {
  auto created = read({type, within_scope(type, created_after(after)), by("create_date"), limit + 1}, deadline);
  if (!created) return tl::unexpected(created.error());
  auto written = read({type, within_scope(type, written_after(after)), by("write_date"), limit + 1}, deadline);
  if (!written) return tl::unexpected(written.error());
  std::move(created->records.begin(), created->records.end(), std::back_inserter(written->records));
  std::move(created->unreadable.begin(), created->unreadable.end(), std::back_inserter(written->unreadable));
  return to_page(std::move(*written), after, limit);
}

Answer<Page> TrytonSystem::scan(const std::string& type, const std::string& position, std::size_t limit,
                                Deadline deadline) {
  limit = std::clamp<std::size_t>(limit, 1, options_.page_limit);
  const Json domain = Json::array({clause("id", ">", parse_id(position).value_or(0))});
  auto rows = read({type, within_scope(type, domain), kById, limit + 1}, deadline);
  if (!rows) return tl::unexpected(rows.error());
  const auto by_id = [](const LegacyRecord& a, const LegacyRecord& b) {
    return parse_id(a.id).value_or(0) < parse_id(b.id).value_or(0);
  };
  Page page;
  page.more = rows->size() > limit;
  page.records = std::move(rows->records);
  page.unreadable = std::move(rows->unreadable);
  std::sort(page.records.begin(), page.records.end(), by_id);
  std::sort(page.unreadable.begin(), page.unreadable.end(), by_id);
  if (page.more) {
    const bool last_is_good =
        page.unreadable.empty() || (!page.records.empty() && by_id(page.unreadable.back(), page.records.back()));
    (last_is_good ? page.records : page.unreadable).pop_back();
  }
  page.next.id = position;
  for (const auto* rows_of_kind : {&page.records, &page.unreadable}) {
    if (rows_of_kind->empty()) continue;
    if (parse_id(rows_of_kind->back().id).value_or(0) > parse_id(page.next.id).value_or(0)) {
      page.next.id = rows_of_kind->back().id;
    }
  }
  page.problem = describe_problems(page.unreadable);
  return page;
}

Answer<std::vector<LegacyRecord>> TrytonSystem::fetch(const std::string& type, std::span<const std::string> ids,
                                                      Deadline deadline) {
  std::vector<std::int64_t> wanted;
  for (const auto& text : ids) {
    if (const auto id = parse_id(text)) wanted.push_back(*id);
  }
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  std::vector<LegacyRecord> found;
  for (std::size_t begin = 0; begin < wanted.size(); begin += options_.page_limit) {
    const std::size_t count = std::min(options_.page_limit, wanted.size() - begin);
    const std::vector<std::int64_t> part(wanted.begin() + static_cast<std::ptrdiff_t>(begin),
                                         wanted.begin() + static_cast<std::ptrdiff_t>(begin + count));
    auto rows = read({type, Json::array({clause("id", "in", part)}), kById, count}, deadline);
    if (!rows) return tl::unexpected(rows.error());
    if (!rows->unreadable.empty()) {
      return tl::unexpected(
          Failure{Kind::malformed, type + ": cannot be read: " + describe_problems(rows->unreadable), std::nullopt});
    }
    std::move(rows->records.begin(), rows->records.end(), std::back_inserter(found));
  }
  return found;
}

Answer<std::vector<LegacyRecord>> TrytonSystem::find(const std::string& type, const CreateMark& mark,
                                                     Deadline deadline) {
  const auto user = rpc_.user(deadline);
  if (!user) return tl::unexpected(user.error());
  std::vector<LegacyRecord> found;
  std::int64_t position = 0;
  for (;;) {
    const Json domain =
        Json::array({clause("create_uid", "=", *user), clause("create_date", ">=", typed_datetime(mark.since)),
                     clause("id", ">", position)});
    auto rows = read({type, domain, kById, options_.page_limit}, deadline);
    if (!rows) return tl::unexpected(rows.error());
    if (!rows->unreadable.empty()) {
      return tl::unexpected(
          Failure{Kind::malformed, type + ": cannot be read: " + describe_problems(rows->unreadable), std::nullopt});
    }
    const std::size_t count = rows->records.size();
    for (auto& record : rows->records) {
      position = std::max(position, parse_id(record.id).value_or(0));
      found.push_back(std::move(record));
    }
    if (count < options_.page_limit) return found;
    if (found.size() > kFindLimit) {
      return tl::unexpected(Failure{Kind::rejected,
                                    type + ": our user has created more than " + std::to_string(kFindLimit) +
                                        " records since " + format_stamp(mark.since),
                                    std::nullopt});
    }
  }
}

Answer<std::vector<std::string>> TrytonSystem::deleted_since(const std::string& /*type*/, const Cursor& /*since*/,
                                                             Deadline /*deadline*/) {
  return std::vector<std::string>{};
}

Answer<WallTime> TrytonSystem::now(Deadline deadline) {
  return rpc_.now(deadline);
}

}  // namespace banyan::legacy::tryton
