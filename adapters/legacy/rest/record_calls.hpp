// Requests about single records of one type: reading one, and writing one with a precondition.
#pragma once

#include <optional>
#include <string>

#include "adapters/legacy/rest/row.hpp"
#include "adapters/legacy/rest/session.hpp"

namespace banyan::legacy::rest {

// A record as the system holds it now.
struct Current {
  Json item;        // as on the wire
  Row row;          // without a problem
  std::string tag;  // of the version header; empty: there is none
};

// What the answer to a write told.
struct Outcome {
  HttpResponse response;
  std::optional<Json> item;  // the record, if the answer holds it
};

// Made for one call; must not outlive what it was made from.
class RecordCalls {
public:
  RecordCalls(Session& session, const RestDescription& description, const RestType& type, Deadline deadline)
      : session_(session), description_(description), type_(type), deadline_(deadline) {}

  // `missing` for one that is gone or marked as deleted; `malformed` for one that is unreadable.
  Answer<Current> read(const std::string& id);

  // The new record's id and, if the answer holds it, its row.
  Answer<Written> create(const Json& object, const std::string& chosen_id);

  // Writes `object`: the changed fields, or for whole-object updates all of it. `basis` is what the object was made
  // from, whose version is the precondition; absent: `expected`, if the version stands in the record.
  Answer<Outcome> update(const std::string& id, Json object, const Current* basis, const std::string& expected);

  Answer<void> remove(const std::string& id, const Current* basis);

  // The body of a whole-object update: the object without what is not sent back.
  Json whole_body(const Json& item) const;

  Failure failure(Failure::Kind kind, const std::string& what) const;

private:
  Request request_for(Purpose purpose, const Operation& operation, const char* method, const std::string& id) const;
  void demand_version(Request& request, const Current* basis, const std::string& expected, Json* object) const;
  Answer<HttpResponse> send_write(const Request& request, const std::vector<Meaning>& meanings);
  std::optional<std::string> id_of_create(const HttpResponse& response) const;

  Session& session_;
  const RestDescription& description_;
  const RestType& type_;
  Deadline deadline_;
};

}  // namespace banyan::legacy::rest
