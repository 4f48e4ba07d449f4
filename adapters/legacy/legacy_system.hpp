// LegacySystem: the port that every legacy system implements, and the flags by which it says what it can do.
//
// The sync engine chooses its strategy from Capabilities alone; it never asks which system it talks to. Records pass
// as JSON objects in the legacy system's own terms ("party": 12, "amount": "12500.50"); the mapping translates them.
// All calls block, are safe from several threads, respect the deadline, and never throw for anything that a remote
// system or the network does.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "gateway/base/clock.hpp"

namespace banyan::legacy {

using Json = nlohmann::json;

// How changes are learnt.
enum class Feed : std::uint8_t {
  poll,       // rows with a stamp after a given one, ordered by (stamp, id)
  log,        // a log of events in commit order, with a position
  scan_only,  // no feed: only the whole key range can be read
};
// How far the feed can be trusted to be complete behind its cursor.
enum class Ordering : std::uint8_t {
  commit,  // what commits later comes later: nothing appears behind the cursor
  stamp,   // stamps may be set before commit, or late: rows can appear behind the cursor
};
enum class DeleteVisibility : std::uint8_t {
  in_feed,     // deletes come through the feed
  history,     // a list of deletes can be asked for (deleted_since)
  sweep_only,  // a deleted record is merely absent
};
enum class CompareAndSet : std::uint8_t {
  version,  // update and remove take the version they expect and fail with `stale`
  none,     // last write wins
};
// What makes a create safe to repeat.
enum class CreateIdentity : std::uint8_t {
  chosen_id,     // the caller chooses the id; a second create fails with `duplicate`
  external_key,  // a field holds a key of ours: find() by it
  search,        // nothing: find() what we created since a moment
};

// What one record type of a system can do. The defaults are those of the poorest system.
struct Capabilities {
  Feed feed = Feed::poll;
  Ordering ordering = Ordering::stamp;
  DeleteVisibility deletes = DeleteVisibility::sweep_only;
  CompareAndSet compare_and_set = CompareAndSet::none;
  CreateIdentity create_identity = CreateIdentity::search;
  bool sees_author = false;       // LegacyRecord::by_us is meaningful
  bool sees_merges = false;       // LegacyRecord::merged_into is meaningful
  bool can_restore = false;       // a deleted id can come back
  bool describes_itself = false;  // describe() asks the system, so that a change of its fields is seen
  bool partial_update = true;     // update() leaves the fields alone that are not given
  std::size_t page_limit = 100;   // rows per changes(), scan()
  // Ids per fetch() that the deadline of one call carries: more are for several calls, each with a deadline of its own.
  // A system that is asked for each record by itself has 1, so that neither its slowness nor its rate limit can make a
  // batch that never fits. None: page_limit.
  std::optional<std::size_t> fetch_limit;
  std::size_t ids_per_fetch() const { return fetch_limit.value_or(page_limit); }
  std::chrono::microseconds stamp_precision{1'000'000};
  std::chrono::milliseconds overlap{5'000};  // first guess of how late a row can appear behind the cursor
  std::optional<double> calls_per_second;    // budget that the system grants
};

// A place in the feed. Text forms are the adapter's own; both empty: the beginning.
struct Cursor {
  std::string stamp;  // on the legacy system's clock, or a log position
  std::string id;     // ties within one stamp: rows with a greater id follow
  bool operator==(const Cursor&) const = default;
};

struct LegacyRecord {
  std::string id;
  std::string version;            // opaque; changes with every write; empty: the system has none
  std::optional<WallTime> stamp;  // when it was last written, on the legacy system's clock
  Json fields = Json::object();   // as the system names them; empty when deleted
  bool deleted = false;
  bool by_us = false;       // the last writer was our integration user
  std::string merged_into;  // id of the record that replaced it; empty: none
  Cursor cursor;            // its place in the feed; only from changes()
};

struct Page {
  std::vector<LegacyRecord> records;
  Cursor next;          // where the following page begins
  bool more = false;    // whether there is one right now
  std::string problem;  // rows that could not be read at all, and why; empty: none. They are in `unreadable`
  std::vector<LegacyRecord> unreadable;  // id and raw text in fields["raw"] of rows that were not as promised
};

// What a write left behind.
struct Written {
  std::string id;
  std::string version;                 // empty: unknown, fetch to learn it
  std::optional<LegacyRecord> record;  // the whole record afterwards, if the answer held it
};

struct Failure {
  enum class Kind : std::uint8_t {
    unavailable,   // not reached, 5xx: try again later; the effect did not happen
    unknown,       // sent, no answer: the effect may have happened
    rate_limited,  // try again after retry_after
    unauthorised,  // credentials refused: pause the adapter
    malformed,     // an answer against the protocol (HTML with 200, broken JSON, too large): pause or park
    rejected,      // the system refused these values: a person must look
    stale,         // compare-and-set: the record has moved
    duplicate,     // create: the id or key exists
    missing,       // no such record (any more)
    deadline,      // no time left; for a write: the effect may have happened
  };
  Kind kind = Kind::unavailable;
  std::string message;  // for people: what, where, what was expected; no secret, at most 1 KiB of what was found
  std::optional<std::chrono::milliseconds> retry_after;
};

template <typename T>
using Answer = tl::expected<T, Failure>;

// A field of a record type, as the system describes it now: for schema drift.
struct FieldDescription {
  std::string name;
  std::string type;  // the system's word
  bool required = false;
  bool read_only = false;
  std::vector<std::string> choices;  // of an enumeration
};

// How an outgoing create can be recognised later.
struct CreateMark {
  std::string record_id;  // the record's id: the chosen id or external key is made from it
  WallTime since;         // legacy clock, before the first attempt
};

class LegacySystem {
public:
  virtual ~LegacySystem() = default;

  // Of one record type; constant for the life of the object.
  virtual const Capabilities& capabilities(const std::string& type) const = 0;

  // Rows written at or after the cursor's stamp, in order of (stamp, id); those up to and with the cursor itself left
  // out. Archived ("inactive") records included.
  virtual Answer<Page> changes(const std::string& type, const Cursor& after, std::size_t limit, Deadline deadline) = 0;

  // The cursor of this moment: what is written from now on comes after it. Where a feed begins before a backfill.
  virtual Answer<Cursor> here(const std::string& type, Deadline deadline) = 0;

  // The cursor `overlap` earlier than the given one.
  virtual Cursor rewind(const std::string& type, const Cursor& cursor, std::chrono::milliseconds overlap) const = 0;

  // How much later (on the legacy clock) the first is than the second: negative if it is earlier, and at least 1 ms
  // either way if it is not equal; zero if either is empty.
  virtual std::chrono::milliseconds distance(const std::string& type, const Cursor& later,
                                             const Cursor& earlier) const = 0;

  // Every record once, in an order that stays the same while records come and go: by key. `position`: empty at first,
  // then Page::next.id of the page before. A record that exists during the whole scan is not left out.
  virtual Answer<Page> scan(const std::string& type, const std::string& position, std::size_t limit,
                            Deadline deadline) = 0;

  // Those of the records that exist; in any order. At most ids_per_fetch() ids are asked for at once. If one that
  // exists cannot be read, the whole call fails, so that what is left out is gone for sure: ask for each alone to find
  // it.
  virtual Answer<std::vector<LegacyRecord>> fetch(const std::string& type, std::span<const std::string> ids,
                                                  Deadline deadline) = 0;

  // `fields` in legacy terms.
  virtual Answer<Written> create(const std::string& type, const Json& fields, const CreateMark& mark,
                                 Deadline deadline) = 0;

  // Sets the given fields (null clears). `expected`: the version that the record must have; empty: any.
  // `whole`: every mapped field, for systems whose update replaces the object.
  virtual Answer<Written> update(const std::string& type, const std::string& id, const Json& fields, const Json& whole,
                                 const std::string& expected, Deadline deadline) = 0;

  virtual Answer<void> remove(const std::string& type, const std::string& id, const std::string& expected,
                              Deadline deadline) = 0;

  // After a create whose outcome is unknown: what may be it. chosen_id, external_key: none or one. search: all that
  // our user created since mark.since and that still exists.
  virtual Answer<std::vector<LegacyRecord>> find(const std::string& type, const CreateMark& mark,
                                                 Deadline deadline) = 0;

  // DeleteVisibility::history: ids deleted since the cursor's stamp. Others: an empty list.
  virtual Answer<std::vector<std::string>> deleted_since(const std::string& type, const Cursor& since,
                                                         Deadline deadline) = 0;

  virtual Answer<std::vector<FieldDescription>> describe(const std::string& type, Deadline deadline) = 0;

  // The system's clock.
  virtual Answer<WallTime> now(Deadline deadline) = 0;
};

}  // namespace banyan::legacy
