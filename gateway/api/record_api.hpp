// RecordApi: records over HTTP, below /api/records. The reference is docs/reference/records-api.md.
//
// Reads above a caller's clearance (Field::sensitivity) are not told apart yet: whoever holds the admin token sees all
// fields.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "adapters/records/record_store.hpp"
#include "gateway/base/clock.hpp"
#include "gateway/net/http_server.hpp"

namespace banyan::api {

inline constexpr const char* kRecordsPrefix = "/api/records";

struct RecordApiOptions {
  // Of one request.
  std::chrono::milliseconds deadline{10'000};

  // Where records of an entity are found in other systems: id of a record -> a list of objects such as
  // {"system": "tryton", "id": "12"}. Records without any may be left out. May throw.
  std::function<std::map<std::string, records::Json>(const std::string& entity, const std::vector<std::string>& ids)>
      links =
          [](const std::string&, const std::vector<std::string>&) { return std::map<std::string, records::Json>{}; };
};

class RecordApi {
public:
  // `store` and `clock` must outlive the object.
  RecordApi(records::RecordStore& store, const Clock& clock, RecordApiOptions options);

  // Any thread; waits for the store.
  net::HttpResponse handle(const net::HttpRequest& request) const;

private:
  struct Target;

  net::HttpResponse entities() const;
  net::HttpResponse collection(const Target& target, const net::HttpRequest& request) const;
  net::HttpResponse list(const Target& target, const net::HttpRequest& request) const;
  net::HttpResponse create(const Target& target, const net::HttpRequest& request) const;
  net::HttpResponse one(const Target& target, const net::HttpRequest& request) const;
  net::HttpResponse read(const Target& target, const net::HttpRequest& request) const;
  net::HttpResponse patch(const Target& target, const net::HttpRequest& request) const;
  net::HttpResponse remove(const Target& target, const net::HttpRequest& request) const;
  net::HttpResponse restore(const Target& target, const net::HttpRequest& request) const;
  net::HttpResponse history(const Target& target, const net::HttpRequest& request) const;

  // The version that If-Match asks for, if it is one of those that it names; nothing: any will do.
  records::RecordResult<std::optional<std::int64_t>> expected_version(const Target& target, std::string_view if_match,
                                                                      Deadline deadline) const;
  // `more`: members beside those of the record.
  net::HttpResponse answer(int status, const records::Record& record,
                           const records::Json& more = records::Json::object()) const;
  records::Json representation(const records::Record& record, const records::Json& links) const;
  Deadline deadline() const { return Deadline::after(clock_, options_.deadline); }

  records::RecordStore& store_;
  const Clock& clock_;
  const RecordApiOptions options_;
};

}  // namespace banyan::api
