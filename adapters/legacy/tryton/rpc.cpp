#include "adapters/legacy/tryton/rpc.hpp"

#include <chrono>
#include <utility>

#include "adapters/legacy/base64.hpp"
#include "gateway/base/log.hpp"

namespace banyan::legacy::tryton {
namespace {

using Kind = Failure::Kind;

constexpr int kMostQuestions = 8;  // that one call may ask

tl::unexpected<Failure> fail(Kind kind, std::string message) {
  return tl::unexpected(Failure{kind, std::move(message), std::nullopt});
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
         c == '.' || c == '~';
}

std::string percent_encoded(const std::string& text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_unreserved(c)) {
      encoded += c;
    } else {
      encoded += '%';
      encoded += kHex[byte >> 4U];
      encoded += kHex[byte & 0xFU];
    }
  }
  return encoded;
}

// Waits for the lock no longer than the deadline.
bool lock_until(std::unique_lock<std::timed_mutex>& lock, Deadline deadline) {
  if (!deadline.when()) {
    lock.lock();
    return true;
  }
  return lock.try_lock_until(*deadline.when());
}

}  // namespace

Rpc::Rpc(RpcOptions options, const Clock& clock)
    : options_(std::move(options)),
      clock_(clock),
      http_(HttpOptions{options_.url, options_.ca_file, options_.body_limit_bytes}) {}

Answer<Json> Rpc::call(const std::string& model, const std::string& method, const Json& arguments, Effect effect,
                       Deadline deadline, const Json& context) {
  const std::string name = "model." + model + "." + method;
  const auto named = [&](Failure failure) {
    failure.message = model + "." + method + ": " + failure.message;
    return failure;
  };
  for (int questions = 0;; ++questions) {
    auto reply = with_session(name, arguments, context, effect, deadline);
    if (!reply) return tl::unexpected(named(std::move(reply.error())));
    if (reply->kind == Reply::Kind::result) return std::move(reply->result);
    if (reply->kind != Reply::Kind::warning || questions == kMostQuestions) {
      return tl::unexpected(named(std::move(reply->failure)));
    }
    const auto answered = answer_yes(reply->warning_name, deadline);
    if (!answered) return tl::unexpected(named(answered.error()));
  }
}

Answer<std::int64_t> Rpc::user(Deadline deadline) {
  const auto held = session(nullptr, deadline);
  if (!held) return tl::unexpected(held.error());
  return (*held)->user;
}

Answer<WallTime> Rpc::now(Deadline deadline) {
  const auto response = post("/", 1, "common.server.version", Json::array(), "", Effect::reads, deadline);
  if (!response) return tl::unexpected(response.error());
  const auto date = parse_http_date(response->header("Date"));
  if (!date)
    return fail(Kind::malformed, "expected an answer with a Date, got status " + std::to_string(response->status));
  return *date;
}

Answer<HttpResponse> Rpc::post(const std::string& path, std::int64_t id, const std::string& method, const Json& params,
                               const std::string& authorization, Effect effect, Deadline deadline) {
  HttpRequest request;
  request.method = "POST";
  request.target = path;
  request.headers = {{"Content-Type", "application/json"}};
  if (!authorization.empty()) request.headers.emplace_back("Authorization", authorization);
  request.write = effect == Effect::writes;
  try {
    // Exactly these three members: with any other, Tryton's answer has another shape.
    request.body = Json{{"id", id}, {"method", method}, {"params", params}}.dump();
  } catch (const Json::exception&) {
    return fail(Kind::rejected, "a text to be sent is not valid UTF-8");
  }
  return http_.call(request, deadline);
}

Answer<Reply> Rpc::exchange(const std::string& method, const Json& params, const std::string& authorization,
                            Effect effect, Deadline deadline) {
  const std::int64_t id = next_id_++;
  const std::string path = "/" + percent_encoded(options_.database) + "/";
  const auto response = post(path, id, method, params, authorization, effect, deadline);
  if (!response) return tl::unexpected(response.error());
  return read_reply(*response, id, effect == Effect::writes, clock_.wall());
}

Answer<Reply> Rpc::with_session(const std::string& method, const Json& arguments, const Json& context, Effect effect,
                                Deadline deadline) {
  Held refused;
  for (;;) {
    const auto held = session(refused, deadline);
    if (!held) return tl::unexpected(held.error());
    Json params = arguments;
    Json all = (*held)->context;
    all["active_test"] = false;
    all.update(context);
    params.push_back(std::move(all));
    auto reply = exchange(method, params, (*held)->authorization, effect, deadline);
    if (!reply || reply->kind != Reply::Kind::logged_out || refused) return reply;
    refused = *held;
  }
}

// The session as it stands; a new one if it is `refused`, or if there is none.
Answer<Rpc::Held> Rpc::session(const Held& refused, Deadline deadline) {
  std::unique_lock lock(mutex_, std::defer_lock);
  if (!lock_until(lock, deadline)) return fail(Kind::unavailable, "no session before the deadline");
  if (session_ && session_ != refused) return session_;
  session_ = nullptr;
  auto fresh = log_in(deadline);
  if (fresh) session_ = *fresh;
  return fresh;
}

Answer<Rpc::Held> Rpc::log_in(Deadline deadline) {
  const Json params = Json::array({options_.user, Json{{"password", options_.password.reveal()}}, "en"});
  const auto reply = exchange("common.db.login", params, "", Effect::reads, deadline);
  if (!reply) return tl::unexpected(reply.error());
  if (reply->kind == Reply::Kind::logged_out) {
    return fail(Kind::unauthorised, "Tryton refuses the password of user " + excerpt(options_.user, 80));
  }
  if (reply->kind != Reply::Kind::result) return tl::unexpected(reply->failure);
  const Json& result = reply->result;
  if (!result.is_array() || result.size() != 2 || !result[0].is_number_integer() || !result[1].is_string()) {
    return fail(Kind::malformed, "expected a user and a session from the log-in");
  }
  auto fresh = std::make_shared<Session>();
  fresh->user = result[0].get<std::int64_t>();
  const std::string token = options_.user + ":" + std::to_string(fresh->user) + ":" + result[1].get<std::string>();
  fresh->authorization = "Session " + base64(token);
  const Json wanted = Json::array({true, Json::object()});
  const auto preferences =
      exchange("model.res.user.get_preferences", wanted, fresh->authorization, Effect::reads, deadline);
  if (!preferences) return tl::unexpected(preferences.error());
  if (preferences->kind != Reply::Kind::result) return tl::unexpected(preferences->failure);
  if (!preferences->result.is_object()) return fail(Kind::malformed, "expected the user's preferences");
  fresh->context = preferences->result;
  log::info("logged in to Tryton", {{"database", options_.database}, {"user", options_.user}});
  return Held(std::move(fresh));
}

Answer<void> Rpc::answer_yes(const std::string& warning, Deadline deadline) {
  const auto us = user(deadline);
  if (!us) return tl::unexpected(us.error());
  const Json values = Json::array({Json{{"user", *us}, {"name", warning}, {"always", false}}});
  auto reply =
      with_session("model.res.user.warning.create", Json::array({values}), Json::object(), Effect::writes, deadline);
  // Whether it is on record or not, the call that asks has not been executed.
  if (!reply) {
    if (reply.error().kind == Kind::unknown) reply.error().kind = Kind::unavailable;
    return tl::unexpected(reply.error());
  }
  if (reply->kind != Reply::Kind::result) return tl::unexpected(reply->failure);
  return {};
}

}  // namespace banyan::legacy::tryton
