#include "adapters/legacy/rest/lister.hpp"

#include <utility>

#include "adapters/legacy/rest/fields.hpp"
#include "adapters/legacy/rest/link_header.hpp"

namespace banyan::legacy::rest {

using Style = Paging::Style;

bool Lister::is_past_cap(const Place& place) const {
  if (!paging_.cap) return false;
  const std::uint64_t rows = paging_.style == Style::page ? place.index * paging_.size : place.index;
  return rows >= *paging_.cap;
}

Request Lister::request_for(const Place& place) const {
  Request request;
  request.purpose = Purpose::list;
  request.method = query_.request.method.empty() ? "GET" : query_.request.method;
  if (paging_.style == Style::link && !place.token.empty()) {
    request.target = place.token;
    return request;
  }
  request.target = target_of(query_.request, query_.more, query_.values);
  if (!paging_.limit.empty()) add_parameter(request.target, paging_.limit, std::to_string(paging_.size));
  switch (paging_.style) {
    case Style::page:
      add_parameter(request.target, paging_.position, std::to_string(paging_.first + place.index));
      break;
    case Style::offset:
      add_parameter(request.target, paging_.position, std::to_string(place.index));
      break;
    case Style::cursor:
      if (!place.token.empty()) add_parameter(request.target, paging_.position, place.token);
      break;
    case Style::link:
    case Style::none:
      break;
  }
  return request;
}

// A link is relative to the URL that was asked for, which is below the base.
std::string Lister::next_url(const std::string& target, const std::string& link) const {
  return resolve_target(target.starts_with('/') ? base_url_ + target : target, link);
}

Answer<Batch> Lister::read(const Place& place, Deadline deadline) {
  const Request request = request_for(place);
  if (is_past_cap(place)) {
    return tl::unexpected(session_.failure(
        Failure::Kind::rejected, request,
        "the list ends at its cap of " + std::to_string(*paging_.cap) + " rows, and there may be more"));
  }
  const auto response = session_.send(request, deadline);
  if (!response) return tl::unexpected(response.error());
  Batch batch;
  if (matches(empty_, *response)) {
    batch.last = true;
    return batch;
  }
  if (auto failed = session_.failure_of(request, *response, {})) return tl::unexpected(*failed);
  if (response->status == 204) {
    batch.last = true;
    return batch;
  }
  auto body = session_.json_of(request, *response);
  if (!body) return tl::unexpected(body.error());
  const Json* rows = items_.find(*body);
  if (rows == nullptr || !rows->is_array()) {
    const std::string where = items_.is_whole() ? "the answer" : "the answer at " + items_.text();
    return tl::unexpected(session_.failure(
        Failure::Kind::malformed, request,
        where + " holds " + (rows == nullptr ? "nothing" : found(*rows)) + " where a list was expected"));
  }
  const std::size_t count = rows->size();
  batch.next.index = place.index + (paging_.style == Style::page ? 1 : count);
  batch.last = count == 0 || (paging_.short_is_last && count < paging_.size);
  if (paging_.style == Style::cursor) {
    const Json* next = paging_.next->find(*body);
    batch.next.token = next == nullptr ? "" : scalar_text(*next).value_or("");
    batch.last = batch.next.token.empty() || batch.next.token == place.token;
  } else if (paging_.style == Style::link) {
    const auto next = link_target(response->header("Link"), "next");
    batch.next.token = next ? next_url(request.target, *next) : "";
    batch.last = batch.next.token.empty() || batch.next.token == place.token;
  } else if (paging_.style == Style::none) {
    batch.last = true;
  }
  batch.rows = *rows;
  return batch;
}

}  // namespace banyan::legacy::rest
