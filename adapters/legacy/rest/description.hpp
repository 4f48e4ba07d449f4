// RestDescription: all that Banyan knows of one legacy REST system. Read from YAML; there is no code per system.
// docs/reference/adapters-rest.md describes every key.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <variant>
#include <vector>

#include "adapters/legacy/rest/pointer.hpp"
#include "adapters/legacy/rest/template_text.hpp"
#include "adapters/legacy/rest/time_form.hpp"
#include "gateway/base/secret.hpp"
#include "gateway/base/yaml_schema.hpp"

namespace banyan::legacy::rest {

struct HeaderKey {
  std::string name;
  Secret value;
};
struct BasicLogin {
  std::string user;
  Secret password;
};
struct BearerToken {
  Secret token;
};
// OAuth 2.0 client credentials (RFC 6749 section 4.4).
struct ClientCredentials {
  std::string token_url;
  std::string client_id;
  Secret client_secret;
  std::string scope;
  bool secret_in_body = false;  // else as Basic credentials (section 2.3.1)
  std::chrono::milliseconds refresh_before{30'000};
};
using Auth = std::variant<std::monostate, HeaderKey, BasicLogin, BearerToken, ClientCredentials>;

struct FixedHeader {
  std::string name;
  std::string value;
};

// An answer: its status and, where given, a text that its body holds.
struct AnswerRule {
  int status = 0;
  std::string text;
};
using AnswerRules = std::vector<AnswerRule>;

struct QueryParameter {
  std::string name;
  Template value;
};

// One kind of request.
struct Operation {
  std::string method;  // empty: that of the kind (GET, POST, PATCH or PUT, DELETE)
  Template path;
  std::vector<QueryParameter> query;
  std::optional<Pointer> item;  // where the answer holds the record (get: "" by default; writes: none)
};

struct Paging {
  enum class Style : std::uint8_t { none, page, offset, cursor, link };
  Style style = Style::none;
  std::string position;  // query parameter of the page number, offset or cursor
  std::string limit;     // query parameter of the number of rows; empty: not sent
  std::uint64_t size = 100;
  std::uint64_t first = 1;           // number of the first page
  std::optional<Pointer> next;       // cursor: where the answer holds the next one
  bool short_is_last = false;        // a page shorter than asked for is the last; else only an empty one is
  std::optional<std::uint64_t> cap;  // rows of one list that the system gives at most
};

struct ListOperation {
  Operation request;
  Pointer items;  // where the answer holds the rows
  Paging paging;
  AnswerRules empty;  // answers that mean "no rows"
};

enum class Order : std::uint8_t { none, oldest_first, newest_first };

// The rows of the list that were written since a moment.
struct ChangeFeed {
  Operation request;  // path empty: that of the list. Query: {stamp}
  Order order = Order::none;
  bool inclusive = true;  // whether the rows of the moment itself are among them
  std::chrono::milliseconds overlap{5'000};
  std::vector<QueryParameter> tie;  // query for the rows of one moment with a greater id: {stamp}, {id}
};

struct DeleteLog {
  Operation request;  // Query: {stamp}
  Pointer items;
  Pointer id;
  Paging paging;
  AnswerRules empty;
};

struct IdForm {
  Pointer at;
  bool number = true;
  std::optional<Template> chosen;  // {record}: the caller chooses the id
};

struct StampForm {
  Pointer at;
  TimeForm time;
};

struct VersionForm {
  std::string header;         // of an answer, "ETag"; empty: none
  std::optional<Pointer> at;  // in the record
  std::string send;           // request header; empty: in the body, at the same place
  bool none() const { return header.empty() && !at; }
};

// A field that says something by having a certain value.
struct Mark {
  Pointer at;
  std::string is;  // compared as text: "true", "1", "17"
};

struct ExternalKey {
  Pointer at;
  Template value;                     // {record}
  std::vector<QueryParameter> query;  // {key}
};

struct FieldForm {
  enum class Type : std::uint8_t { any, text, integer, decimal, boolean, date, timestamp };
  std::string name;
  Pointer at;
  Type type = Type::any;
  bool as_text = false;                                      // numbers and truth values are written as texts
  std::optional<std::pair<std::string, std::string>> words;  // of a truth value: false, true
  TimeForm time;                                             // date: the form of the day
  bool has_time_form = false;
  bool required = false;
  bool read_only = false;
  std::vector<std::string> choices;
};

struct CreateForm {
  enum class IdIn : std::uint8_t { body, bare, location };
  Operation request;
  IdIn id_in = IdIn::body;
  Pointer id_at;  // of the body
  AnswerRules duplicate;
};

struct UpdateForm {
  Operation request;
  bool whole = false;         // the request replaces the object
  std::vector<Pointer> drop;  // whole: parts of the object that are not sent back
  AnswerRules stale;
};

struct DeleteForm {
  Operation request;
  std::optional<Json> body;
};

// The records live in an array within those of another type.
struct ParentForm {
  std::string type;
  Pointer items;      // the array, in the parent's object
  std::string field;  // the field of the child that shows the parent's id
};

struct RestType {
  std::string name;
  IdForm id;
  std::optional<StampForm> stamp;
  std::optional<StampForm> created;
  VersionForm version;
  std::optional<Mark> author;   // the record was last written by our user
  std::optional<Mark> deleted;  // soft deletes
  std::optional<Pointer> merged_into;
  std::optional<ExternalKey> external_key;
  std::vector<FieldForm> fields;  // empty: every member of the object, as it is
  std::optional<ListOperation> list;
  std::optional<ChangeFeed> changes;
  std::vector<QueryParameter> scan_after;  // query for the rows with a greater id, in order of id: {id}
  std::optional<Operation> get;
  AnswerRules gone;  // answers to get, update and delete that mean "no such record"
  std::optional<CreateForm> create;
  std::optional<UpdateForm> update;
  std::optional<DeleteForm> remove;
  std::optional<DeleteLog> delete_log;
  std::optional<ParentForm> parent;
  Pointer wrap;  // where a request body holds the record
};

// An answer with a good status that is a failure all the same.
struct FailureMark {
  Mark mark;
  std::optional<Pointer> message;
};

struct RestDescription {
  std::string base_url;
  std::string ca_file;
  Auth auth;
  std::vector<FixedHeader> headers;
  std::uint64_t answer_bytes = 64ULL << 20U;  // a longer answer is not read
  std::uint64_t record_bytes = 1ULL << 20U;   // a longer record is unreadable
  std::optional<double> calls_per_second;
  std::optional<FailureMark> failure;
  std::vector<RestType> types;

  const RestType* type(const std::string& name) const;
};

using yaml::Fault;

// The form of a description; embeds in larger files. Rules between types are part of it.
yaml::Reader<RestDescription> rest_description();

// Reads a description from a file or a text. Every fault of it, each with its line.
tl::expected<RestDescription, std::vector<Fault>> load_rest_description(const std::string& path);
tl::expected<RestDescription, std::vector<Fault>> parse_rest_description(const std::string& text,
                                                                         const std::string& file,
                                                                         const std::string& directory);
// A node of a larger document: its faults so far, whatever they are about, when the description has any.
tl::expected<RestDescription, std::vector<Fault>> read_rest_description(const yaml::Document& document,
                                                                        const yaml::Node& node);

}  // namespace banyan::legacy::rest
