// What a description says about lists: pages, change feeds, logs of deletes.
#include <algorithm>
#include <utility>

#include "adapters/legacy/rest/description_schema.hpp"
#include "gateway/base/yaml_scalars.hpp"

namespace banyan::legacy::rest::schema {
namespace {

using yaml::Node;
using yaml::Reader;
using namespace std::chrono_literals;
using Style = Paging::Style;

void check_paging(const Node& node, const Paging& paging) {
  const bool positioned = paging.style == Style::page || paging.style == Style::offset || paging.style == Style::cursor;
  if (positioned && paging.position.empty()) {
    node.missing("position", "the query parameter that carries the page number, offset or cursor");
  }
  if (!positioned && !paging.position.empty()) {
    entry(node, "position").fault("a position", "the key left out: this style has none");
  }
  if (paging.style == Style::cursor && !paging.next) {
    node.missing("next", "a JSON pointer to the next cursor in the answer");
  }
  if (paging.style != Style::cursor && paging.next) {
    entry(node, "next").fault("a pointer to a cursor", "the key left out: only the style cursor has one");
  }
}

Reader<Paging> paging() {
  return yaml::object<Paging>("how pages are asked for")
      .required("style", &Paging::style,
                yaml::choice<Style>({{"none", Style::none},
                                     {"page", Style::page},
                                     {"offset", Style::offset},
                                     {"cursor", Style::cursor},
                                     {"link", Style::link}}))
      .optional("position", &Paging::position, yaml::text())
      .optional("limit", &Paging::limit, yaml::text())
      .optional("size", &Paging::size, yaml::integer(2, 10'000))
      .optional("first", &Paging::first, yaml::integer(0, 1))
      .optional("next", &Paging::next, yaml::maybe(pointer()))
      .optional("short_is_last", &Paging::short_is_last, yaml::boolean())
      .optional("cap", &Paging::cap, yaml::maybe(yaml::integer(1, 100'000'000)))
      .check(check_paging);
}

bool uses(const Operation& request, std::string_view place) {
  return request.path.uses(place) || std::ranges::any_of(request.query, [place](const QueryParameter& parameter) {
           return parameter.value.uses(place);
         });
}

}  // namespace

Reader<ListOperation> list_operation() {
  using List = ListOperation;
  return yaml::object<List>("how records are listed")
      .required(
          "path", [](List& out) -> Template& { return out.request.path; }, path({}))
      .optional(
          "method", [](List& out) -> std::string& { return out.request.method; }, method())
      .optional(
          "query", [](List& out) -> std::vector<QueryParameter>& { return out.request.query; }, query({}))
      .optional("items", &List::items, pointer())
      .optional("paging", &List::paging, paging())
      .optional("empty", &List::empty, answer_rules());
}

Reader<DeleteLog> delete_log() {
  const auto check = [](const Node& node, const DeleteLog& log) {
    if (!uses(log.request, "stamp")) node.fault("no {stamp}", "{stamp} in the query or the path");
  };
  return yaml::object<DeleteLog>("how deleted ids are listed")
      .required(
          "path", [](DeleteLog& out) -> Template& { return out.request.path; }, path({"stamp"}))
      .optional(
          "method", [](DeleteLog& out) -> std::string& { return out.request.method; }, method())
      .optional(
          "query", [](DeleteLog& out) -> std::vector<QueryParameter>& { return out.request.query; }, query({"stamp"}))
      .optional("items", &DeleteLog::items, pointer())
      .required("id", &DeleteLog::id, pointer())
      .optional("paging", &DeleteLog::paging, paging())
      .optional("empty", &DeleteLog::empty, answer_rules())
      .check(check);
}

Reader<ChangeFeed> change_feed() {
  const auto check = [](const Node& node, const ChangeFeed& feed) {
    if (feed.order == Order::oldest_first && !uses(feed.request, "stamp")) {
      node.fault("no {stamp}, so that every poll would read the whole list", "{stamp} in the query or the path",
                 "order newest_first needs no filter");
    }
    const bool ties = std::ranges::any_of(feed.tie, [](const auto& parameter) { return parameter.value.uses("id"); });
    if (!feed.tie.empty() && !ties) entry(node, "tie").fault("no {id}", "{id} in a value: the rows behind that id");
  };
  return yaml::object<ChangeFeed>("how changes are found")
      .optional(
          "path", [](ChangeFeed& out) -> Template& { return out.request.path; }, path({"stamp"}))
      .optional(
          "query", [](ChangeFeed& out) -> std::vector<QueryParameter>& { return out.request.query; }, query({"stamp"}))
      .optional(
          "order", &ChangeFeed::order,
          yaml::choice<Order>(
              {{"none", Order::none}, {"oldest_first", Order::oldest_first}, {"newest_first", Order::newest_first}}))
      .optional("inclusive", &ChangeFeed::inclusive, yaml::boolean())
      .optional("overlap", &ChangeFeed::overlap, yaml::duration(0ms, 24h))
      .optional("tie", &ChangeFeed::tie, query({"stamp", "id"}))
      .check(check);
}

}  // namespace banyan::legacy::rest::schema
