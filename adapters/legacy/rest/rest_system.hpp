// RestSystem: a legacy REST system, known by its description alone.
//
// Versions. A system whose version stands in the record gives that one. All others get a hash of the fields as version:
// - A version header (ETag): an update reads the record, compares the hash and sends the header it has just read, so
//   that no edit is ever overwritten unseen.
// - None at all: an update with an expected version reads, compares, writes and reads again. An edit between the
// reading
//   and the writing is overwritten: CompareAndSet::none. A whole-object update writes back what it has read, so that
//   within this window it undoes edits of any field; a partial one only edits of the same fields.
//
// A write whose answer cannot be understood is `unknown`, as is a create that a server answers with 500.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "adapters/legacy/legacy_system.hpp"
#include "adapters/legacy/rest/description.hpp"

namespace banyan::legacy::rest {

class RestSystem final : public LegacySystem {
public:
  // The clock must outlive it. Throws as HttpClient does: a certificate file that cannot be read.
  RestSystem(RestDescription description, const Clock& clock);
  ~RestSystem() override;
  RestSystem(const RestSystem&) = delete;
  RestSystem& operator=(const RestSystem&) = delete;

  // A type that the description does not name throws std::out_of_range here, and is `rejected` elsewhere.
  const Capabilities& capabilities(const std::string& type) const override;
  Answer<Page> changes(const std::string& type, const Cursor& after, std::size_t limit, Deadline deadline) override;
  // By the Date header, in whole seconds: up to a second early.
  Answer<Cursor> here(const std::string& type, Deadline deadline) override;
  Cursor rewind(const std::string& type, const Cursor& cursor, std::chrono::milliseconds overlap) const override;
  std::chrono::milliseconds distance(const std::string& type, const Cursor& later,
                                     const Cursor& earlier) const override;
  Answer<Page> scan(const std::string& type, const std::string& position, std::size_t limit,
                    Deadline deadline) override;
  Answer<std::vector<LegacyRecord>> fetch(const std::string& type, std::span<const std::string> ids,
                                          Deadline deadline) override;
  Answer<Written> create(const std::string& type, const Json& fields, const CreateMark& mark,
                         Deadline deadline) override;
  Answer<Written> update(const std::string& type, const std::string& id, const Json& fields, const Json& whole,
                         const std::string& expected, Deadline deadline) override;
  Answer<void> remove(const std::string& type, const std::string& id, const std::string& expected,
                      Deadline deadline) override;
  Answer<std::vector<LegacyRecord>> find(const std::string& type, const CreateMark& mark, Deadline deadline) override;
  Answer<std::vector<std::string>> deleted_since(const std::string& type, const Cursor& since,
                                                 Deadline deadline) override;
  // The fields that the description names; of a type without any, the members of its first record.
  Answer<std::vector<FieldDescription>> describe(const std::string& type, Deadline deadline) override;
  // The Date header of an answer: whole seconds. A system that sends none is taken to have our own clock.
  Answer<WallTime> now(Deadline deadline) override;

private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// What the description promises of a type.
Capabilities capabilities_of(const RestDescription& description, const RestType& type);

}  // namespace banyan::legacy::rest
