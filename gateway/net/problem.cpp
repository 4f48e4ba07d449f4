#include "gateway/net/problem.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "gateway/base/json_text.hpp"

namespace banyan::net {
namespace {

constexpr std::array<std::pair<int, std::string_view>, 36> kReasons{{
    {100, "Continue"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
}};

void append_member(std::string& out, std::string_view name, std::string_view text) {
  if (text.empty()) return;
  out += ',';
  append_json_string(out, name);
  out += ':';
  append_json_string(out, text);
}

}  // namespace

std::string_view reason_phrase(int status) {
  const auto* found =
      std::find_if(kReasons.begin(), kReasons.end(), [&](const auto& row) { return row.first == status; });
  return found == kReasons.end() ? "Error" : found->second;
}

std::string problem_json(const Problem& problem) {
  std::string type = "about:blank";
  if (!problem.name.empty()) type = "urn:banyan:problem:" + std::string(problem.name);
  std::string out = R"({"type":)";
  append_json_string(out, type);
  append_member(out, "title", reason_phrase(problem.status));
  out += R"(,"status":)";
  out += std::to_string(problem.status);
  append_member(out, "detail", problem.detail);
  append_member(out, "instance", problem.instance);
  append_member(out, "request_id", problem.request_id);
  out += '}';
  return out;
}

Problem problem_of(const Error& error, std::string_view request_id) {
  return {http_status(error.code), to_string(error.code), error.public_message, request_id, {}};
}

}  // namespace banyan::net
