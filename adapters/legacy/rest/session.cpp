#include "adapters/legacy/rest/session.hpp"

#include <algorithm>
#include <thread>

#include "adapters/legacy/rest/fields.hpp"
#include "adapters/legacy/rest/wire_json.hpp"

namespace banyan::legacy::rest {
namespace {

using Kind = Failure::Kind;
using std::chrono::milliseconds;

std::string base64(std::string_view bytes) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t word = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      word = (word << 8U) | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      out += i + j > bytes.size() ? '=' : kAlphabet[(word >> (18 - 6 * j)) & 63U];
    }
  }
  return out;
}

std::string basic(const std::string& user, const Secret& password) {
  return "Basic " + base64(user + ":" + password.reveal());
}

std::string path_of(const std::string& target) {
  return target.substr(0, target.find_first_of("?#"));
}

HttpOptions options_of(const RestDescription& description, std::string base_url) {
  HttpOptions options;
  options.base_url = std::move(base_url);
  options.ca_file = description.ca_file;
  options.body_limit_bytes = description.answer_bytes;
  return options;
}

// What statuses mean by default, where it differs from what they mean to any caller.
Kind kind_for(Purpose purpose, int status, Kind usual) {
  if (purpose == Purpose::list) return status == 404 || status == 410 ? Kind::malformed : usual;
  if (status == 403) return Kind::rejected;  // of this record; credentials that are refused as such give 401
  if (status == 409) return purpose == Purpose::create ? Kind::duplicate : Kind::stale;
  // A server that breaks while it writes may have written.
  if (purpose == Purpose::create && status >= 500 && status != 503) return Kind::unknown;
  if (purpose == Purpose::create && usual == Kind::missing) return Kind::rejected;
  return usual;
}

}  // namespace

void add_parameter(std::string& target, const std::string& name, const std::string& value) {
  target += target.find('?') == std::string::npos ? '?' : '&';
  target += percent_encoded(name) + "=" + percent_encoded(value);
}

std::string target_of(const Operation& operation, const std::vector<QueryParameter>& more,
                      const Template::Values& values) {
  constexpr std::array<std::string_view, 5> kPlaces{"id", "stamp", "key", "since", "record"};
  std::string target = operation.path.fill_path(values);
  const auto add = [&target, &values, &kPlaces](const QueryParameter& parameter) {
    const bool lacks = std::ranges::any_of(kPlaces, [&parameter, &values](std::string_view place) {
      const auto value = std::ranges::find(values, place, &Template::Values::value_type::first);
      return parameter.value.uses(place) && (value == values.end() || value->second.empty());
    });
    if (!lacks) add_parameter(target, parameter.name, parameter.value.fill(values));
  };
  for (const QueryParameter& parameter : operation.query) {
    if (std::ranges::find(more, parameter.name, &QueryParameter::name) == more.end()) add(parameter);
  }
  std::ranges::for_each(more, add);
  return target;
}

bool matches(const AnswerRules& rules, const HttpResponse& response) {
  return std::ranges::any_of(rules, [&response](const AnswerRule& rule) {
    return rule.status == response.status && response.body.find(rule.text) != std::string::npos;
  });
}

Session::Session(const RestDescription& description, const Clock& clock)
    : description_(description),
      clock_(clock),
      client_(options_of(description, description.base_url)),
      pacer_(description.calls_per_second) {
  const auto* credentials = std::get_if<ClientCredentials>(&description.auth);
  if (credentials != nullptr) token_client_.emplace(options_of(description, credentials->token_url));
}

Failure Session::failure(Kind kind, const Request& request, const std::string& what) const {
  return {kind, request.method + " " + path_of(request.target) + ": " + what, std::nullopt};
}

std::optional<Failure> Session::wait_for_turn(Deadline deadline) {
  const auto turn = pacer_.take(clock_.now(), deadline.when());
  if (turn.granted) {
    if (turn.wait.count() > 0) std::this_thread::sleep_for(turn.wait);
    return std::nullopt;
  }
  const auto wait = std::chrono::ceil<milliseconds>(turn.wait);
  return Failure{Kind::rate_limited, "the next call is due in " + std::to_string(wait.count()) + " ms", wait};
}

Answer<std::string> Session::new_token(const ClientCredentials& credentials, Deadline deadline) {
  HttpRequest request;
  request.method = "POST";
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}};
  request.body = "grant_type=client_credentials";
  if (!credentials.scope.empty()) request.body += "&scope=" + percent_encoded(credentials.scope);
  const std::string id = percent_encoded(credentials.client_id);
  const Secret secret(percent_encoded(credentials.client_secret.reveal()));
  if (credentials.secret_in_body) {
    request.body += "&client_id=" + id + "&client_secret=" + secret.reveal();
  } else {
    request.headers.emplace_back("Authorization", basic(id, secret));
  }
  const auto response = token_client_->call(request, deadline);
  if (!response) return tl::unexpected(response.error());
  const std::string place = "the token of " + credentials.token_url + ": ";
  if (auto failure = failure_of_status(*response, false, clock_.wall())) {
    if (failure->kind == Kind::rejected || failure->kind == Kind::missing) failure->kind = Kind::unauthorised;
    failure->message = place + failure->message;
    return tl::unexpected(*failure);
  }
  const auto answer = parse_wire(response->body);
  const Json* token = answer && answer->is_object() ? Pointer::member("access_token").find(*answer) : nullptr;
  if (token == nullptr || !token->is_string() || token->get_ref<const std::string&>().empty()) {
    return tl::unexpected(Failure{Kind::malformed, place + "no access_token in the answer", std::nullopt});
  }
  token_ = token->get<std::string>();
  refresh_at_.reset();
  const Json* lifetime = Pointer::member("expires_in").find(*answer);
  const auto seconds = lifetime != nullptr ? scalar_text(*lifetime) : std::nullopt;
  const auto plain = seconds ? plain_decimal(*seconds) : std::nullopt;
  if (plain && plain->size() <= 9 && plain->find_first_of("-.") == std::string::npos) {
    const milliseconds span = std::chrono::seconds(std::stoul(*plain));
    refresh_at_ = clock_.now() + span - std::min(credentials.refresh_before, span / 2);
  }
  return token_;
}

Answer<std::string> Session::authorisation(Deadline deadline) {
  if (const auto* login = std::get_if<BasicLogin>(&description_.auth)) return basic(login->user, login->password);
  if (const auto* bearer = std::get_if<BearerToken>(&description_.auth)) return "Bearer " + bearer->token.reveal();
  const auto* credentials = std::get_if<ClientCredentials>(&description_.auth);
  if (credentials == nullptr) return std::string();
  std::unique_lock lock(token_mutex_, std::defer_lock);
  const bool locked = deadline.when() ? lock.try_lock_until(*deadline.when()) : (lock.lock(), true);
  if (!locked) return tl::unexpected(Failure{Kind::deadline, "no time left to wait for a token", std::nullopt});
  if (!token_.empty() && (!refresh_at_ || clock_.now() < *refresh_at_)) return "Bearer " + token_;
  auto token = new_token(*credentials, deadline);
  if (!token) return token;
  return "Bearer " + *token;
}

void Session::forget_token(const std::string& used) {
  const std::lock_guard lock(token_mutex_);
  if ("Bearer " + token_ == used) token_.clear();  // another thread may have a new one already
}

Answer<HttpResponse> Session::send(const Request& request, Deadline deadline) {
  HttpRequest http;
  http.method = request.method;
  http.target = request.target;
  http.write = is_write(request.purpose);
  if (request.body) http.body = wire_text(*request.body);
  const bool renewable = std::holds_alternative<ClientCredentials>(description_.auth);
  for (int attempt = 1;; ++attempt) {
    if (auto busy = wait_for_turn(deadline)) {
      busy->message = request.method + " " + path_of(request.target) + ": " + busy->message;
      return tl::unexpected(*busy);
    }
    const auto authorised = authorisation(deadline);
    if (!authorised) return tl::unexpected(authorised.error());
    http.headers = {{"Accept", "application/json"}};
    if (request.body) http.headers.emplace_back("Content-Type", "application/json");
    for (const FixedHeader& header : description_.headers) http.headers.emplace_back(header.name, header.value);
    if (const auto* key = std::get_if<HeaderKey>(&description_.auth)) {
      http.headers.emplace_back(key->name, key->value.reveal());
    }
    if (!authorised->empty()) http.headers.emplace_back("Authorization", *authorised);
    http.headers.insert(http.headers.end(), request.headers.begin(), request.headers.end());
    auto response = client_.call(http, deadline);
    if (!response) return response;
    if (response->status == 401 && renewable && attempt == 1) {
      forget_token(*authorised);  // a 401 says that nothing was done, so that a write may be sent again
      continue;
    }
    if (response->status == 429) {
      if (const auto wait = retry_after(*response, clock_.wall())) pacer_.rest_until(clock_.now() + *wait);
    }
    return response;
  }
}

std::optional<Failure> Session::failure_of(const Request& request, const HttpResponse& response,
                                           const std::vector<Meaning>& meanings) const {
  for (const Meaning& meaning : meanings) {
    if (!matches(meaning.rules, response)) continue;
    return failure(meaning.kind, request, "status " + std::to_string(response.status) + ": " + excerpt(response.body));
  }
  auto usual = failure_of_status(response, is_write(request.purpose), clock_.wall());
  if (!usual) return std::nullopt;
  usual->kind = kind_for(request.purpose, response.status, usual->kind);
  usual->message = request.method + " " + path_of(request.target) + ": " + usual->message;
  return usual;
}

Answer<Json> Session::json_of(const Request& request, const HttpResponse& response) const {
  const Kind unreadable = is_write(request.purpose) ? Kind::unknown : Kind::malformed;
  auto parsed = parse_wire(response.body);
  if (!parsed) {
    const std::string_view type = response.header("Content-Type");
    const std::string kind = type.empty() ? "" : " (" + excerpt(type, 80) + ")";
    return tl::unexpected(failure(unreadable, request,
                                  "status " + std::to_string(response.status) + kind + ", but the body is no JSON: " +
                                      parsed.error() + ": " + excerpt(response.body, 200)));
  }
  if (!description_.failure) return std::move(*parsed);
  const Json* mark = description_.failure->mark.at.find(*parsed);
  if (mark == nullptr || scalar_text(*mark) != description_.failure->mark.is) return std::move(*parsed);
  const Json* message = description_.failure->message ? description_.failure->message->find(*parsed) : nullptr;
  return tl::unexpected(failure(Kind::rejected, request, message == nullptr ? found(*parsed) : found(*message)));
}

Answer<Json> Session::ask(const Request& request, const std::vector<Meaning>& meanings, Deadline deadline) {
  const auto response = send(request, deadline);
  if (!response) return tl::unexpected(response.error());
  if (auto failed = failure_of(request, *response, meanings)) return tl::unexpected(*failed);
  return json_of(request, *response);
}

}  // namespace banyan::legacy::rest
