// Documents and their parts (TypeOptions): what Tryton's clients take care of and its server does not.
#include <algorithm>
#include <utility>

#include "adapters/legacy/tryton/pyson.hpp"
#include "adapters/legacy/tryton/tryton_system.hpp"
#include "adapters/legacy/tryton/values.hpp"
#include "gateway/base/log.hpp"

namespace banyan::legacy::tryton {
namespace {

using Kind = Failure::Kind;

tl::unexpected<Failure> fail(Kind kind, std::string message) {
  return tl::unexpected(Failure{kind, std::move(message), std::nullopt});
}

// The values that make a field read-only, for people: state: quotation.
std::string circumstances(const Json& condition, const Json& row) {
  std::string text;
  for (const std::string& name : names_in(condition)) {
    const auto value = row.find(name);
    if (value == row.end()) continue;
    const std::string found = value->is_string() ? value->get<std::string>() : value->dump();
    text += (text.empty() ? "" : ", ") + name + ": " + excerpt(found, 80);
  }
  return text;
}

}  // namespace

Answer<Json> TrytonSystem::read_row(const std::string& type, std::int64_t id, const Json& names, Deadline deadline) {
  const Json domain = Json::array({Json::array({"id", "=", id})});
  auto rows = search_read({type, domain, nullptr, 1}, names, deadline);
  if (!rows) return rows;
  if (rows->empty()) return fail(Kind::missing, type + " " + std::to_string(id) + " is not there");
  if (!rows->front().is_object()) return fail(Kind::malformed, type + ": expected an object for a record");
  return std::move(rows->front());
}

// Whether Tryton's clients would let a user change these fields of the record as it is now. What they cannot tell
// either without asking the server is left to the server.
Answer<void> TrytonSystem::may_write(const std::string& type, std::int64_t id, const std::vector<std::string>& fields,
                                     Deadline deadline) {
  const auto forms = field_forms(type, deadline);
  if (!forms) return tl::unexpected(forms.error());
  Json names = Json::array();
  for (const std::string& field : fields) {
    const auto form = (*forms)->find(field);
    if (form == (*forms)->end()) continue;
    for (const std::string& name : names_in(form->second.read_only)) {
      const bool is_new = std::find(names.begin(), names.end(), name) == names.end();
      if (is_new && (*forms)->contains(name)) names.push_back(name);
    }
  }
  if (names.empty()) return {};
  const auto row = read_row(type, id, names, deadline);
  if (!row) return tl::unexpected(row.error());
  for (const std::string& field : fields) {
    const auto form = (*forms)->find(field);
    if (form == (*forms)->end()) continue;
    const auto read_only = evaluate(form->second.read_only, *row);
    if (!read_only || !is_truthy(*read_only)) continue;
    return fail(Kind::rejected, type + " " + std::to_string(id) + ": " + field +
                                    " cannot be changed now, Tryton has it read-only (" +
                                    circumstances(form->second.read_only, *row) + ")");
  }
  return {};
}

// The documents whose lists a write concerns: the one that the record is in, and the one that `values` put it into.
// `id`: none for a create.
Answer<std::vector<std::int64_t>> TrytonSystem::documents_of(const std::string& type, std::optional<std::int64_t> id,
                                                             const Json& values, Deadline deadline) {
  const auto& part_of = options_of(type).part_of;
  std::vector<std::int64_t> documents;
  if (!part_of) return documents;
  const auto add = [&](const Json& holder) {
    const auto document = holder.find(part_of->field);
    if (document != holder.end() && document->is_number_integer()) documents.push_back(document->get<std::int64_t>());
  };
  if (id) {
    const auto row = read_row(type, *id, Json::array({part_of->field}), deadline);
    if (!row) return tl::unexpected(row.error());
    add(*row);
  }
  add(values);
  documents.erase(std::unique(documents.begin(), documents.end()), documents.end());
  for (const std::int64_t document : documents) {
    auto allowed = may_write(part_of->type, document, {part_of->list}, deadline);
    if (allowed) continue;
    // The document, not the record, is gone: that is a refusal.
    if (allowed.error().kind == Kind::missing) allowed.error().kind = Kind::rejected;
    return tl::unexpected(allowed.error());
  }
  return documents;
}

// A document's sums change with its parts, its stamp does not: a write of nothing lets its feed tell. If that is lost,
// the next sweep finds the sums.
void TrytonSystem::touch(const std::string& type, const std::vector<std::int64_t>& documents, Deadline deadline) {
  if (documents.empty()) return;
  const std::string& whole = options_of(type).part_of->type;
  const auto done = rpc_.call(whole, "write", Json::array({documents, Json::object()}), Effect::writes, deadline);
  if (!done) log::warn("sums come with the next sweep only", {{"type", whole}, {"reason", done.error().message}});
}

}  // namespace banyan::legacy::tryton
