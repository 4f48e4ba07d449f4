#include "gateway/store/session.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "gateway/base/log.hpp"

namespace banyan::store {
namespace {

using Keywords = std::map<std::string, std::string, std::less<>>;

std::string quoted(std::string_view value) {
  std::string text = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') text += '\\';
    text += c;
  }
  return text + "'";
}

// The first line, without the line end: libpq's messages have several.
std::string first_line(std::string_view text) {
  return std::string(text.substr(0, text.find('\n')));
}

Result<Keywords> parse(const Secret& url) {
  char* reason = nullptr;
  PQconninfoOption* options = PQconninfoParse(url.reveal().c_str(), &reason);
  if (options == nullptr) {
    PQfreemem(reason);  // it repeats parts of the text, which may be a password
    return fail(ErrorCode::invalid_argument, "the store's URL is not a PostgreSQL connection URL",
                "expected postgresql://user:password@host:port/database");
  }
  Keywords found;
  for (const PQconninfoOption* option = options; option->keyword != nullptr; ++option) {
    if (option->val != nullptr) found.emplace(option->keyword, option->val);
  }
  PQconninfoFree(options);
  return found;
}

}  // namespace

Result<Secret> connection_string(const SessionOptions& options) {
  auto keywords = parse(options.url);
  if (!keywords) return tl::unexpected<Error>(std::move(keywords.error()));
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(options.connect_timeout).count();
  keywords->emplace("connect_timeout", std::to_string(std::max<std::int64_t>(seconds, 2)));
  keywords->emplace("application_name", options.application_name);
  keywords->emplace("client_encoding", "UTF8");
  // A machine that vanished sends nothing: these end the wait for it.
  keywords->emplace("keepalives_idle", "10");
  keywords->emplace("keepalives_interval", "5");
  keywords->emplace("keepalives_count", "3");
  keywords->emplace("tcp_user_timeout", "25000");
  std::string text;
  for (const auto& [keyword, value] : *keywords) text += keyword + "=" + quoted(value) + " ";
  return Secret(text);
}

// What PostgreSQL has to remark about a statement belongs in the log, not on standard error.
class Session::QuietNotices final : public pqxx::errorhandler {
public:
  using errorhandler::errorhandler;
  bool operator()(const char message[]) noexcept override {
    try {
      log::debug("postgresql remarks", {{"notice", first_line(message)}});
    } catch (...) {  // a lost remark harms nobody
    }
    return false;
  }
};

Session::Session(const std::string& conninfo)
    : connection_(conninfo), notices_(std::make_unique<QuietNotices>(connection_)) {
  // libpqxx would reconnect by itself, even in the middle of a transaction whose first half is lost. The function is
  // marked as deprecated because libpqxx 7 never reconnects.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  connection_.inhibit_reactivation(true);
#pragma GCC diagnostic pop
}

Result<std::unique_ptr<Session>> Session::open(const SessionOptions& options) {
  const auto conninfo = connection_string(options);
  if (!conninfo) return tl::unexpected<Error>(conninfo.error());
  try {
    return std::unique_ptr<Session>(new Session(conninfo->reveal()));
  } catch (const pqxx::failure& failure) {
    return fail(ErrorCode::unavailable, "the store cannot be reached", first_line(failure.what()));
  }
}

}  // namespace banyan::store
