#include "gateway/app/admin_client.hpp"

#include <chrono>

#include "gateway/api/author.hpp"
#include "gateway/net/http_client.hpp"

namespace banyan::app {
namespace {

constexpr std::chrono::seconds kPatience{30};  // for one answer

ErrorCode code_of(int status) {
  switch (status) {
    case 400:
    case 422:
      return ErrorCode::invalid_argument;
    case 401:
      return ErrorCode::unauthenticated;
    case 403:
      return ErrorCode::permission_denied;
    case 404:
      return ErrorCode::not_found;
    case 409:
      return ErrorCode::conflict;
    case 503:
      return ErrorCode::overloaded;
    default:
      return ErrorCode::unavailable;
  }
}

// What a problem document says (RFC 9457), with the faults of single fields.
std::string detail_of(const net::HttpReply& reply) {
  const auto problem = nlohmann::json::parse(reply.body, nullptr, false);
  std::string detail;
  if (problem.is_object()) {
    for (const char* name : {"detail", "title"}) {
      if (detail.empty() && problem.contains(name) && problem.at(name).is_string()) detail = problem.at(name);
    }
    for (const auto& fault : problem.value("errors", nlohmann::json::array())) {
      if (fault.is_object()) detail += "\n  " + fault.value("field", "") + ": " + fault.value("message", "");
    }
  }
  return detail.empty() ? "status " + std::to_string(reply.status) : detail;
}

}  // namespace

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                          c == '.' || c == '_' || c == '~';
    const auto byte = static_cast<unsigned char>(c);
    if (is_plain) {
      out += c;
    } else {
      out += '%';
      out += kDigits[byte >> 4U];
      out += kDigits[byte & 0xFU];
    }
  }
  return out;
}

AdminClient::AdminClient(std::string url, Secret token, std::string author, const Clock& clock)
    : url_(std::move(url)), token_(std::move(token)), author_(std::move(author)), clock_(clock) {
  while (url_.ends_with('/')) url_.pop_back();
}

Result<AdminClient::Json> AdminClient::get(const std::string& path, const Query& query) const {
  std::string target = path;
  char joint = '?';
  for (const auto& [name, value] : query) {
    if (value.empty()) continue;
    target += joint + name + "=" + percent_encoded(value);
    joint = '&';
  }
  return call("GET", target, {});
}

Result<AdminClient::Json> AdminClient::post(const std::string& path, const Json& body) const {
  // The command line can hold any bytes; JSON takes UTF-8 alone.
  return call("POST", path, body.dump(-1, ' ', false, Json::error_handler_t::replace));
}

Result<AdminClient::Json> AdminClient::call(const std::string& method, const std::string& target,
                                            std::string body) const {
  net::HttpCall call;
  call.method = method;
  call.url = url_ + target;
  call.headers.push_back({"Accept", "application/json"});
  if (method != "GET") call.headers.push_back({"Content-Type", "application/json"});
  if (!token_.empty()) call.headers.push_back({"Authorization", "Bearer " + token_.reveal()});
  if (!author_.empty()) call.headers.push_back({api::kAuthorHeader, author_});
  call.body = std::move(body);
  const auto reply = net::http_call(call, Deadline::after(clock_, kPatience));
  if (!reply) return tl::unexpected(reply.error());
  if (reply->status == 401) {
    return fail(ErrorCode::unauthenticated, url_ + (token_.empty() ? " needs a token: set BANYAN_ADMIN_TOKEN"
                                                                   : " refuses the token of BANYAN_ADMIN_TOKEN"));
  }
  if (reply->status / 100 != 2) return fail(code_of(reply->status), detail_of(*reply));
  Json document = Json::parse(reply->body, nullptr, false);
  if (document.is_discarded()) {
    return fail(ErrorCode::bad_peer, url_ + target +
                                         " answers with something that is not JSON: is it Banyan's admin "
                                         "address?");
  }
  return document;
}

}  // namespace banyan::app
