#include "tests/bench/sync_bench_source.hpp"

#include <algorithm>
#include <cstdio>

namespace banyan::bench {
namespace {

using legacy::Answer;
using legacy::Cursor;
using legacy::Failure;
using legacy::Json;
using legacy::LegacyRecord;

constexpr std::size_t kShuffle = 7'919;  // a prime that is no divisor of round numbers

std::size_t inverse_of_shuffle(std::size_t modulus) {
  for (std::size_t k = 0; k < modulus; ++k) {
    if ((k * kShuffle) % modulus == 1 % modulus) return k;
  }
  return 0;
}

// Sorts by bytes as by number.
std::string digits(std::size_t number) {
  char text[24];
  std::snprintf(text, sizeof text, "%09zu", number);
  return text;
}

std::size_t number_of(const std::string& text) {
  return text.empty() ? 0 : std::stoull(text);
}

Failure refused() {
  return {Failure::Kind::rejected, "the source of the benchmark takes no writes", std::nullopt};
}

}  // namespace

FastSource::FastSource(std::size_t rows, std::size_t edits)
    : rows_(rows), edits_(edits), stride_(rows / edits), inverse_(inverse_of_shuffle(edits)) {
  capabilities_.feed = legacy::Feed::poll;
  capabilities_.ordering = legacy::Ordering::commit;
  capabilities_.deletes = legacy::DeleteVisibility::in_feed;
  capabilities_.compare_and_set = legacy::CompareAndSet::version;
  capabilities_.page_limit = 2'000;
}

std::size_t FastSource::row_of_edit(std::size_t edit) const {
  return edit * kShuffle % edits_ * stride_;
}

bool FastSource::is_edited(std::size_t number) const {
  return number % stride_ == 0 && number / stride_ * inverse_ % edits_ < edited_;
}

LegacyRecord FastSource::row(std::size_t number) const {
  const bool edited = is_edited(number);
  LegacyRecord row;
  row.id = digits(number);
  row.version = edited ? "1763712000.654321" : "1763712000.123456";
  row.stamp = WallTime(std::chrono::seconds(1'763'712'000));
  row.fields = Json{{"name", "Company number " + row.id},
                    {"code", row.id},
                    {"active", number % 50 == 0 ? 0 : 1},
                    {"kind", number % 3 == 0 ? "p" : "o"},
                    {"lang", "en"},
                    {"revenue", std::to_string(number % 100'000) + ".5"},
                    {"size", std::to_string(number % 5'000)},
                    {"note", edited ? "Wants to be called back." : "Met at the fair, wants an offer by spring."}};
  return row;
}

const legacy::Capabilities& FastSource::capabilities(const std::string&) const {
  return capabilities_;
}

// The stamp is the number of edits up to and with this one.
Answer<legacy::Page> FastSource::changes(const std::string&, const Cursor& after, std::size_t limit, Deadline) {
  const std::size_t from = number_of(after.stamp);
  const std::size_t to = std::min(from + limit, edited_);
  legacy::Page page;
  for (std::size_t edit = from; edit < to; ++edit) {
    page.records.push_back(row(row_of_edit(edit)));
    page.records.back().cursor = {digits(edit + 1), page.records.back().id};
  }
  page.next = page.records.empty() ? after : page.records.back().cursor;
  page.more = to < edited_;
  return page;
}

Answer<Cursor> FastSource::here(const std::string&, Deadline) {
  return Cursor{digits(edited_), ""};
}

Cursor FastSource::rewind(const std::string&, const Cursor& cursor, std::chrono::milliseconds) const {
  return cursor;
}

std::chrono::milliseconds FastSource::distance(const std::string&, const Cursor& later, const Cursor& earlier) const {
  const auto a = static_cast<std::int64_t>(number_of(later.stamp));
  const auto b = static_cast<std::int64_t>(number_of(earlier.stamp));
  return std::chrono::milliseconds(a - b);
}

Answer<legacy::Page> FastSource::scan(const std::string&, const std::string& position, std::size_t limit, Deadline) {
  const std::size_t from = number_of(position);
  const std::size_t to = std::min(from + limit, rows_);
  legacy::Page page;
  page.records.reserve(to - from);
  for (std::size_t number = from; number < to; ++number) page.records.push_back(row(number));
  page.next.id = digits(to);
  page.more = to < rows_;
  scanned_ += to - from;
  return page;
}

Answer<std::vector<LegacyRecord>> FastSource::fetch(const std::string&, std::span<const std::string> ids, Deadline) {
  std::vector<LegacyRecord> rows;
  for (const std::string& id : ids) {
    if (const std::size_t number = number_of(id); number < rows_) rows.push_back(row(number));
  }
  return rows;
}

Answer<legacy::Written> FastSource::create(const std::string&, const Json&, const legacy::CreateMark&, Deadline) {
  return tl::unexpected(refused());
}

Answer<legacy::Written> FastSource::update(const std::string&, const std::string&, const Json&, const Json&,
                                           const std::string&, Deadline) {
  return tl::unexpected(refused());
}

Answer<void> FastSource::remove(const std::string&, const std::string&, const std::string&, Deadline) {
  return tl::unexpected(refused());
}

Answer<std::vector<LegacyRecord>> FastSource::find(const std::string&, const legacy::CreateMark&, Deadline) {
  return std::vector<LegacyRecord>{};
}

Answer<std::vector<std::string>> FastSource::deleted_since(const std::string&, const Cursor&, Deadline) {
  return std::vector<std::string>{};
}

Answer<std::vector<legacy::FieldDescription>> FastSource::describe(const std::string&, Deadline) {
  std::vector<legacy::FieldDescription> fields;
  const LegacyRecord example = row(0);
  for (const auto& field : example.fields.items()) {
    fields.push_back({field.key(), field.value().is_string() ? "char" : "integer", false, false, {}});
  }
  return fields;
}

Answer<WallTime> FastSource::now(Deadline) {
  return SystemClock().wall();
}

}  // namespace banyan::bench
