// TypeAccess: everything that can be done with the records of one type, whether they have requests of their own or live
// within the records of another type.
#pragma once

#include <memory>
#include <string>

#include "adapters/legacy/rest/feed.hpp"
#include "adapters/legacy/rest/record_calls.hpp"
#include "adapters/legacy/rest/session.hpp"

namespace banyan::legacy::rest {

// Stateless but for what it was made from, which must outlive it. Safe from several threads.
class TypeAccess {
public:
  virtual ~TypeAccess() = default;

  virtual const RowSource& rows() const = 0;
  virtual const RestType& listed() const = 0;  // the type whose lists and stamps are read: itself, or its parent

  // `missing` if there is none.
  virtual Answer<LegacyRecord> read(const std::string& id, Deadline deadline) = 0;
  virtual Answer<Written> create(const Json& fields, const CreateMark& mark, Deadline deadline) = 0;
  virtual Answer<Written> update(const std::string& id, const Json& fields, const std::string& expected,
                                 Deadline deadline) = 0;
  virtual Answer<void> remove(const std::string& id, const std::string& expected, Deadline deadline) = 0;
};

std::unique_ptr<TypeAccess> own_access(Session& session, const RestDescription& description, const RestType& type);
std::unique_ptr<TypeAccess> child_access(Session& session, const RestDescription& description, const RestType& type);

// The id that a create of this record chooses, or its external key.
std::string chosen_id(const RestType& type, const CreateMark& mark);
std::string external_key(const RestType& type, const CreateMark& mark);

}  // namespace banyan::legacy::rest
