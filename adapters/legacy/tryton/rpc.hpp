// Rpc: calls to the models of one Tryton database, logged in as one user.
//
// Logs in when first needed and again once whenever the session has gone; one thread does it, the others wait. A
// session lives on in Tryton after this object (30 days by its default), as those of its own clients do.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "adapters/legacy/http_client.hpp"
#include "adapters/legacy/legacy_system.hpp"
#include "adapters/legacy/tryton/answer.hpp"
#include "gateway/base/clock.hpp"
#include "gateway/base/secret.hpp"

namespace banyan::legacy::tryton {

struct RpcOptions {
  std::string url{};       // "http://127.0.0.1:8001"
  std::string database{};  // its name, also part of the path
  std::string user{};      // login name
  Secret password{};
  std::string ca_file{};                      // see HttpOptions
  std::size_t body_limit_bytes = 16U << 20U;  // of an answer
};

enum class Effect : std::uint8_t { reads, writes };

// Safe from several threads.
class Rpc {
public:
  // Throws as HttpClient does. Opens nothing.
  Rpc(RpcOptions options, const Clock& clock);

  // `arguments`: a list, without the context, which is the user's own, with what `context` adds; archived records are
  // in sight. Questions (UserWarning) are answered with yes. What a Failure says begins with model and method.
  Answer<Json> call(const std::string& model, const std::string& method, const Json& arguments, Effect effect,
                    Deadline deadline, const Json& context = Json::object());

  // The id of our user.
  Answer<std::int64_t> user(Deadline deadline);

  // The Date of an answer of the server: whole seconds, never ahead of its clock.
  Answer<WallTime> now(Deadline deadline);

private:
  struct Session {
    std::string authorization;
    std::int64_t user = 0;
    Json context = Json::object();
  };
  using Held = std::shared_ptr<const Session>;

  Answer<HttpResponse> post(const std::string& path, std::int64_t id, const std::string& method, const Json& params,
                            const std::string& authorization, Effect effect, Deadline deadline);
  Answer<Reply> exchange(const std::string& method, const Json& params, const std::string& authorization, Effect effect,
                         Deadline deadline);
  Answer<Reply> with_session(const std::string& method, const Json& arguments, const Json& context, Effect effect,
                             Deadline deadline);
  Answer<Held> session(const Held& refused, Deadline deadline);
  Answer<Held> log_in(Deadline deadline);
  Answer<void> answer_yes(const std::string& warning, Deadline deadline);

  RpcOptions options_;
  const Clock& clock_;
  HttpClient http_;
  std::atomic<std::int64_t> next_id_{1};
  std::timed_mutex mutex_;
  Held session_;  // guarded by mutex_
};

}  // namespace banyan::legacy::tryton
