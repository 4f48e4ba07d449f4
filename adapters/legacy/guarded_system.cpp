#include "adapters/legacy/guarded_system.hpp"

#include <algorithm>
#include <utility>

#include "gateway/base/log.hpp"

namespace banyan::legacy {
namespace {

using Kind = Failure::Kind;
using std::chrono::milliseconds;

constexpr milliseconds kWhileProbed{1'000};
constexpr std::chrono::seconds kBetweenTries{5};
constexpr const char* kRefused = "credentials refused: ";

// Whether the call has come to its end without a doubt about the credentials, so that the next may follow.
template <typename T>
bool is_settled(const Answer<T>& answer) {
  if (answer) return true;
  const Kind kind = answer.error().kind;
  return kind == Kind::rejected || kind == Kind::stale || kind == Kind::duplicate || kind == Kind::missing;
}

// Adapters sort out some ids by themselves, so that only rows are a sign of the system.
template <typename T>
bool says_something(const Answer<T>&) {
  return true;
}
bool says_something(const Answer<std::vector<LegacyRecord>>& answer) {
  return !answer->empty();
}

}  // namespace

GuardedSystem::GuardedSystem(std::string name, std::unique_ptr<LegacySystem> system, const Clock& clock)
    : name_(std::move(name)), system_(std::move(system)), clock_(clock) {}

void GuardedSystem::try_now() {
  const std::lock_guard lock(mutex_);
  const SteadyTime now = clock_.now();
  if (refusal_.empty() || (tried_ && now - *tried_ < kBetweenTries)) return;
  tried_ = now;
  next_ = now;
}

void GuardedSystem::shared_by(std::size_t processes) {
  const std::lock_guard lock(mutex_);
  processes_ = std::max<std::size_t>(1, processes);
}

std::string GuardedSystem::refusal() const {
  const std::lock_guard lock(mutex_);
  return refusal_;
}

std::optional<Failure> GuardedSystem::enter(Ticket& ticket) {
  const std::lock_guard lock(mutex_);
  ticket.round = round_;
  if (refusal_.empty()) return std::nullopt;
  const SteadyTime now = clock_.now();
  if (now < next_) return Failure{Kind::unauthorised, refusal_, std::chrono::ceil<milliseconds>(next_ - now)};
  if (is_probed_) return Failure{Kind::unauthorised, refusal_, kWhileProbed};
  is_probed_ = true;
  ticket.is_probe = true;
  return std::nullopt;
}

void GuardedSystem::answered(const std::string& key, const Ticket& ticket) {
  const std::lock_guard lock(mutex_);
  if (ticket.round != round_) return;  // let through before the refusal: it says nothing of what holds now
  refused_.erase(key);
  for (auto& [other, others_answered] : refused_) others_answered = true;
  if (refusal_.empty()) return;
  log::info("the legacy system takes the credentials again", {{"system", name_}});
  refusal_.clear();
}

void GuardedSystem::refused(const std::string& key, Failure& failure) {
  failure.message = kRefused + failure.message;
  const std::lock_guard lock(mutex_);
  failure.retry_after = std::max(failure.retry_after.value_or(milliseconds(0)), pause());
  const auto [known, is_first] = refused_.try_emplace(key, false);
  const bool is_alone = !is_first && std::exchange(known->second, false);
  if (is_alone) return;
  if (refusal_.empty()) {
    log::warn("the legacy system refuses the credentials: it is asked again once a minute",
              {{"system", name_}, {"reason", failure.message}});
  }
  refusal_ = failure.message;
  next_ = clock_.now() + *failure.retry_after;
  ++round_;
}

// Of a probe that was neither refused nor answered. One that cannot have been refused may be followed by another.
void GuardedSystem::ended(const Ticket& ticket, bool may_go_on) {
  if (!ticket.is_probe) return;
  const std::lock_guard lock(mutex_);
  is_probed_ = false;
  if (!refusal_.empty() && ticket.round == round_ && !may_go_on) next_ = clock_.now() + pause();
}

// The end of a call, also of one that throws.
struct GuardedSystem::CallEnd {
  GuardedSystem& system;
  const Ticket& ticket;
  bool may_go_on = false;
  ~CallEnd() { system.ended(ticket, may_go_on); }
};

template <typename Call>
auto GuardedSystem::ask(const char* what, const std::string& type, bool proves, Call call) -> decltype(call()) {
  Ticket ticket;
  if (auto held = enter(ticket)) return tl::unexpected(std::move(*held));
  CallEnd end{*this, ticket};
  const std::string key = std::string(what) + " " + type;
  auto answer = call();
  if (!answer && answer.error().kind == Kind::unauthorised) {
    refused(key, answer.error());
  } else if (answer && proves && says_something(answer)) {
    answered(key, ticket);
  }
  end.may_go_on = is_settled(answer);
  return answer;
}

const Capabilities& GuardedSystem::capabilities(const std::string& type) const {
  return system_->capabilities(type);
}

Answer<Page> GuardedSystem::changes(const std::string& type, const Cursor& after, std::size_t limit,
                                    Deadline deadline) {
  return ask("changes", type, true, [&] { return system_->changes(type, after, limit, deadline); });
}

Answer<Cursor> GuardedSystem::here(const std::string& type, Deadline deadline) {
  return ask("here", type, false, [&] { return system_->here(type, deadline); });
}

Cursor GuardedSystem::rewind(const std::string& type, const Cursor& cursor, milliseconds overlap) const {
  return system_->rewind(type, cursor, overlap);
}

milliseconds GuardedSystem::distance(const std::string& type, const Cursor& later, const Cursor& earlier) const {
  return system_->distance(type, later, earlier);
}

Answer<Page> GuardedSystem::scan(const std::string& type, const std::string& position, std::size_t limit,
                                 Deadline deadline) {
  return ask("scan", type, true, [&] { return system_->scan(type, position, limit, deadline); });
}

Answer<std::vector<LegacyRecord>> GuardedSystem::fetch(const std::string& type, std::span<const std::string> ids,
                                                       Deadline deadline) {
  return ask("fetch", type, true, [&] { return system_->fetch(type, ids, deadline); });
}

Answer<Written> GuardedSystem::create(const std::string& type, const Json& fields, const CreateMark& mark,
                                      Deadline deadline) {
  return ask("create", type, true, [&] { return system_->create(type, fields, mark, deadline); });
}

Answer<Written> GuardedSystem::update(const std::string& type, const std::string& id, const Json& fields,
                                      const Json& whole, const std::string& expected, Deadline deadline) {
  return ask("update", type, true, [&] { return system_->update(type, id, fields, whole, expected, deadline); });
}

Answer<void> GuardedSystem::remove(const std::string& type, const std::string& id, const std::string& expected,
                                   Deadline deadline) {
  return ask("remove", type, true, [&] { return system_->remove(type, id, expected, deadline); });
}

Answer<std::vector<LegacyRecord>> GuardedSystem::find(const std::string& type, const CreateMark& mark,
                                                      Deadline deadline) {
  return ask("find", type, true, [&] { return system_->find(type, mark, deadline); });
}

Answer<std::vector<std::string>> GuardedSystem::deleted_since(const std::string& type, const Cursor& since,
                                                              Deadline deadline) {
  return ask("deleted_since", type, false, [&] { return system_->deleted_since(type, since, deadline); });
}

Answer<std::vector<FieldDescription>> GuardedSystem::describe(const std::string& type, Deadline deadline) {
  return ask("describe", type, false, [&] { return system_->describe(type, deadline); });
}

Answer<WallTime> GuardedSystem::now(Deadline deadline) {
  return ask("now", "", false, [&] { return system_->now(deadline); });
}

}  // namespace banyan::legacy
