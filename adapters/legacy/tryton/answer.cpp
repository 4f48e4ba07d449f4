#include "adapters/legacy/tryton/answer.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace banyan::legacy::tryton {
namespace {

using Kind = Failure::Kind;

// PostgreSQL and psycopg2, while a statement or the commit was under way.
constexpr std::array<std::string_view, 6> kConnectionLost{
    "server closed the connection", "terminating connection",        "connection already closed",
    "could not receive data",       "could not send data to server", "SSL connection has been closed"};
// The same, when nothing has been or can have been committed.
constexpr std::array<std::string_view, 11> kDatabaseDown{"could not connect to server",
                                                         "connection to server at",
                                                         "Connection refused",
                                                         "the database system is",
                                                         "too many clients",
                                                         "remaining connection slots",
                                                         "connection pool exhausted",
                                                         "could not serialize access",
                                                         "deadlock detected",
                                                         "canceling statement",
                                                         "FATAL: "};

template <std::size_t N>
bool holds_one_of(const std::string& text, const std::array<std::string_view, N>& phrases) {
  return std::any_of(phrases.begin(), phrases.end(),
                     [&](std::string_view phrase) { return text.find(phrase) != std::string::npos; });
}

Reply failed(Kind kind, std::string message) {
  Reply reply;
  reply.failure = Failure{kind, std::move(message), std::nullopt};
  return reply;
}

Reply senseless(const HttpResponse& response, bool write, const std::string& what) {
  return failed(write ? Kind::unknown : Kind::malformed,
                "expected a JSON-RPC answer, got " + what + ": " + excerpt(response.body));
}

// The first text in a nest of lists: the message of ["UserError", ["message", "description", null]].
std::string first_text(const Json& details) {
  if (details.is_string()) return details.get<std::string>();
  if (!details.is_array() || details.empty()) return {};
  return first_text(details.front());
}

Reply read_warning(const Json& details, const HttpResponse& response, bool write) {
  if (!details.is_array() || details.size() < 2 || !details[0].is_string()) {
    return senseless(response, write, "a warning without a name");
  }
  Reply reply = failed(Kind::rejected, "asks: " + excerpt(first_text(details[1])));
  reply.kind = Reply::Kind::warning;
  reply.warning_name = details[0].get<std::string>();
  return reply;
}

Reply read_error(const Json& error, const HttpResponse& response, bool write) {
  if (!error.is_array() || error.empty() || !error[0].is_string()) return senseless(response, write, "an odd error");
  const auto name = error[0].get<std::string>();
  const Json details = error.size() > 1 ? error[1] : Json();
  const std::string message = excerpt(first_text(details));
  if (name == "UserWarning") return read_warning(details, response, write);
  if (name == "ConcurrencyException") return failed(Kind::stale, message);
  if (name == "UserError") return failed(Kind::rejected, message);
  if (name == "LoginException") return failed(Kind::unauthorised, message);
  if (name == "RateLimitException") return failed(Kind::rate_limited, "too many attempts to log in");
  if (holds_one_of(name, kConnectionLost)) {
    return failed(write ? Kind::unknown : Kind::unavailable, "Tryton lost its database: " + excerpt(name));
  }
  if (holds_one_of(name, kDatabaseDown)) {
    return failed(Kind::unavailable, "Tryton's database does not serve: " + excerpt(name));
  }
  return failed(Kind::rejected, "Tryton failed inside: " + excerpt(name));
}

Reply read_status(const HttpResponse& response, bool write, WallTime now) {
  switch (response.status) {
    case 401: {
      Reply reply = failed(Kind::unauthorised, "the session is not known");
      reply.kind = Reply::Kind::logged_out;
      return reply;
    }
    case 403:
      return failed(Kind::rejected, "status 403: no such method, or not allowed to this user");
    case 404:
      return failed(Kind::unavailable, "status 404: the database is not known there");
    default:
      break;
  }
  const auto failure = failure_of_status(response, write, now);
  if (!failure) return senseless(response, write, "status " + std::to_string(response.status));
  if (failure->kind != Kind::malformed) {
    Reply reply;
    reply.failure = *failure;
    return reply;
  }
  // A redirect was not executed; after an interim answer anything may follow.
  if (response.status < 300) return failed(write ? Kind::unknown : Kind::malformed, failure->message);
  return failed(write ? Kind::unavailable : Kind::malformed, failure->message);
}

}  // namespace

Reply read_reply(const HttpResponse& response, std::int64_t id, bool write, WallTime now) {
  if (response.status != 200) return read_status(response, write, now);
  Json answer = Json::parse(response.body, nullptr, false);
  if (answer.is_discarded()) return senseless(response, write, "something else");
  if (!answer.is_object()) return senseless(response, write, "JSON of another shape");
  const auto echoed = answer.find("id");
  if (echoed == answer.end() || !echoed->is_number_integer() || *echoed != id) {
    return senseless(response, write, "the answer to another request");
  }
  const auto error = answer.find("error");
  if (error != answer.end()) return read_error(*error, response, write);
  const auto result = answer.find("result");
  if (result == answer.end()) return senseless(response, write, "neither a result nor an error");
  Reply reply;
  reply.kind = Reply::Kind::result;
  reply.result = std::move(*result);
  return reply;
}

}  // namespace banyan::legacy::tryton
