// Session: requests to one REST system, logged in, paced, and with their answers told apart.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "adapters/legacy/http_client.hpp"
#include "adapters/legacy/rest/description.hpp"
#include "adapters/legacy/rest/pacer.hpp"

namespace banyan::legacy::rest {

// What a request is for: says what its statuses mean.
enum class Purpose : std::uint8_t { list, get, create, update, remove };
constexpr bool is_write(Purpose purpose) {
  return purpose != Purpose::list && purpose != Purpose::get;
}

struct Request {
  Purpose purpose = Purpose::get;
  std::string method;
  std::string target;  // path and query, or a URL of the same origin
  std::vector<std::pair<std::string, std::string>> headers;
  std::optional<Json> body;
};

// A rule of the description that gives answers a meaning of their own.
struct Meaning {
  const AnswerRules& rules;
  Failure::Kind kind;
};

// Path and query with the places filled in. A parameter that needs a value which is absent or empty is left out; one of
// `more` stands instead of the operation's own of the same name.
std::string target_of(const Operation& operation, const std::vector<QueryParameter>& more,
                      const Template::Values& values);
void add_parameter(std::string& target, const std::string& name, const std::string& value);

bool matches(const AnswerRules& rules, const HttpResponse& response);

// Blocks; safe from several threads; never throws for what the network or the system does.
class Session {
public:
  // `description` must outlive it. Throws as HttpClient does.
  Session(const RestDescription& description, const Clock& clock);

  // One request, logged in again once on a 401. Any status but 429 and 401 is an answer.
  Answer<HttpResponse> send(const Request& request, Deadline deadline);

  // The failure that an answer means; none for a good one. `meanings` go before what statuses usually mean.
  std::optional<Failure> failure_of(const Request& request, const HttpResponse& response,
                                    const std::vector<Meaning>& meanings) const;

  // The JSON of a good answer. A write whose answer cannot be read is `unknown`: it has happened, or not.
  Answer<Json> json_of(const Request& request, const HttpResponse& response) const;

  // send(), failure_of() and json_of() in one.
  Answer<Json> ask(const Request& request, const std::vector<Meaning>& meanings, Deadline deadline);

  // "GET /contacts: what happened": messages of failures, with the query left out.
  Failure failure(Failure::Kind kind, const Request& request, const std::string& what) const;

private:
  Answer<std::string> authorisation(Deadline deadline);  // value of the header field; empty: none
  Answer<std::string> new_token(const ClientCredentials& credentials, Deadline deadline);
  void forget_token(const std::string& used);
  std::optional<Failure> wait_for_turn(Deadline deadline);

  const RestDescription& description_;
  const Clock& clock_;
  HttpClient client_;
  std::optional<HttpClient> token_client_;
  Pacer pacer_;

  std::timed_mutex token_mutex_;
  std::string token_;
  std::optional<SteadyTime> refresh_at_;
};

}  // namespace banyan::legacy::rest
