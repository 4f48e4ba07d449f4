#include "tests/simulation/sim_port.hpp"

#include <type_traits>

namespace banyan::simulation {

using legacy::Cursor;
using legacy::Failure;
using legacy::Page;
using legacy::Written;
using Kind = Failure::Kind;

SimPort::SimPort(int process, SimLegacy& system, const Clock& clock, const Faults& faults, Random& random,
                 Interference& interference)
    : process_(process),
      system_(system),
      clock_(clock),
      faults_(faults),
      random_(random),
      interference_(interference) {}

namespace {

// A call takes at most a deadline of the engine's (profiles.cpp: 5 s), however long its caller waits for the answer.
constexpr std::int64_t kLateMost = 4'000;
// Of an effect that no step of the engine brings about.
constexpr std::int64_t kNoStep = -1;

}  // namespace

// A write that has been decided on: now, or later while its caller hears nothing.
template <typename T>
Answer<T> SimPort::carry_out(bool late, std::function<Answer<T>()> write) {
  if (!late) return write();
  const SimLegacy::Caller caller{process_, mark_.began, kNoStep, system_.next_token()};
  interference_.later(milliseconds(random_.between(1, kLateMost)), [this, caller, write = std::move(write)] {
    if (interference_.traces()) interference_.note("it takes place only now");
    system_.set_caller(caller);
    (void)write();
  });
  return tl::unexpected<Failure>(Failure{Kind::unknown, "no answer yet", {}});
}

template <typename T, typename Effect>
Answer<T> SimPort::call(const std::string& name, const std::string& type, bool writes, Deadline deadline,
                        Effect effect) {
  const auto failed = [](Kind kind, const char* message) {
    return tl::unexpected<Failure>(Failure{kind, message, {}});
  };
  if (clock_.now() < quiet_until_ && mark_.at >= limited_at_) {
    violations_.push_back("impatient: " + name + " was called before the time that the system had asked for");
  }
  // What decided on this write was read before anybody else could act.
  const auto forbidden = writes && refuses_write ? refuses_write(type) : std::nullopt;
  interference_.happen(process_, "before " + name);
  if (deadline.passed(clock_.now())) return failed(Kind::deadline, "no time left");
  const auto hit = [&](std::uint32_t rate) { return faults_.on && rate > 0 && random_.chance(rate); };
  if (hit(faults_.unavailable)) return failed(Kind::unavailable, "not reached");
  if (hit(faults_.rate_limited)) return limited();
  if (hit(faults_.unauthorised)) return failed(Kind::unauthorised, "credentials refused");
  if (hit(faults_.no_answer)) return failed(Kind::unknown, "no answer");
  if (!writes && hit(faults_.malformed)) return failed(Kind::malformed, "a page of HTML");
  if (forbidden) violations_.push_back(*forbidden);
  system_.set_caller({process_, mark_.began, mark_.number});
  auto result = [&] {
    if constexpr (std::is_invocable_v<Effect, bool>) {
      return effect(hit(faults_.late));
    } else {
      return effect();
    }
  }();
  interference_.happen(process_, "after " + name);
  if constexpr (requires { result->id; }) {
    if (interference_.traces())
      interference_.note(name + ": " + (result ? "done " + result->id : result.error().message));
  }
  if (hit(faults_.lost_answer)) return failed(Kind::unknown, "the answer was lost");
  if (hit(faults_.deadline)) return failed(Kind::deadline, "the answer came too late");
  if (writes && hit(faults_.malformed)) return failed(Kind::malformed, "half an answer");
  return result;
}

// A system without versions: the adapter reads, compares, and writes. What happens in between is the window in which an
// edit can be overwritten. A whole-object update writes back what was read.
std::optional<Failure> SimPort::compared(const std::string& type, const std::string& id, const std::string& expected,
                                         Json* found) {
  if (system_.capabilities(type).compare_and_set == legacy::CompareAndSet::version) return std::nullopt;
  const auto row = system_.peek(type, id);
  if (!row) return Failure{Kind::missing, "there is no such record", {}};
  if (!expected.empty() && row->version != expected) return Failure{Kind::stale, "the record has changed", {}};
  if (found != nullptr) *found = row->fields;
  const SimLegacy::Caller caller{process_, mark_.began, mark_.number};
  interference_.happen(process_, "between reading and writing");
  system_.set_caller(caller);
  return std::nullopt;
}

tl::unexpected<Failure> SimPort::limited() {
  Failure failure{Kind::rate_limited, "too many requests", {}};
  if (random_.chance(700)) {
    failure.retry_after = milliseconds(random_.between(100, 3'000));
    limited_at_ = clock_.now();
    if (interference_.traces())
      interference_.note("too many requests: " + std::to_string(failure.retry_after->count()) + " ms");
    quiet_until_ = std::max(quiet_until_, clock_.now() + *failure.retry_after);
  }
  return tl::unexpected<Failure>(std::move(failure));
}

Answer<Page> SimPort::damaged(Answer<Page> page) {
  if (!page || page->records.empty() || !faults_.on) return page;
  if (random_.chance(faults_.repeated)) page->records.push_back(page->records[random_.below(page->records.size())]);
  if (!random_.chance(faults_.unreadable)) return page;
  const auto at = static_cast<std::ptrdiff_t>(random_.below(page->records.size()));
  LegacyRecord row = page->records[static_cast<std::size_t>(at)];
  row.fields = Json{{"raw", "{\"NAME\": "}};
  page->records.erase(page->records.begin() + at);
  page->unreadable.push_back(std::move(row));
  page->problem = "cut off in the middle";
  return page;
}

const legacy::Capabilities& SimPort::capabilities(const std::string& type) const {
  return system_.capabilities(type);
}

Answer<Page> SimPort::changes(const std::string& type, const Cursor& after, std::size_t limit, Deadline deadline) {
  return damaged(
      call<Page>("changes", type, false, deadline, [&] { return system_.changes(type, after, limit, deadline); }));
}

Answer<Cursor> SimPort::here(const std::string& type, Deadline deadline) {
  return call<Cursor>("here", type, false, deadline, [&] { return system_.here(type, deadline); });
}

Cursor SimPort::rewind(const std::string& type, const Cursor& cursor, std::chrono::milliseconds overlap) const {
  return system_.rewind(type, cursor, overlap);
}

std::chrono::milliseconds SimPort::distance(const std::string& type, const Cursor& later, const Cursor& earlier) const {
  return system_.distance(type, later, earlier);
}

Answer<Page> SimPort::scan(const std::string& type, const std::string& position, std::size_t limit, Deadline deadline) {
  return damaged(
      call<Page>("scan", type, false, deadline, [&] { return system_.scan(type, position, limit, deadline); }));
}

Answer<std::vector<LegacyRecord>> SimPort::fetch(const std::string& type, std::span<const std::string> ids,
                                                 Deadline deadline) {
  return call<std::vector<LegacyRecord>>("fetch", type, false, deadline,
                                         [&] { return system_.fetch(type, ids, deadline); });
}

Answer<Written> SimPort::create(const std::string& type, const Json& fields, const legacy::CreateMark& mark,
                                Deadline deadline) {
  return call<Written>("create", type, true, deadline, [&](bool late) {
    if (interference_.traces()) interference_.note("create " + type + " for " + mark.record_id + " " + fields.dump());
    return carry_out<Written>(late, [=, this] { return system_.create(type, fields, mark, deadline); });
  });
}

Answer<Written> SimPort::update(const std::string& type, const std::string& id, const Json& fields, const Json& whole,
                                const std::string& expected, Deadline deadline) {
  return call<Written>("update", type, true, deadline, [&](bool late) -> Answer<Written> {
    Json object = whole;
    if (auto failure = compared(type, id, expected, &object)) return tl::unexpected<Failure>(std::move(*failure));
    object.update(fields);
    if (interference_.traces()) interference_.note("update " + type + " " + id + " " + fields.dump());
    return carry_out<Written>(late, [=, this] { return system_.update(type, id, fields, object, expected, deadline); });
  });
}

Answer<void> SimPort::remove(const std::string& type, const std::string& id, const std::string& expected,
                             Deadline deadline) {
  return call<void>("remove", type, true, deadline, [&](bool late) -> Answer<void> {
    if (auto failure = compared(type, id, expected, nullptr)) return tl::unexpected<Failure>(std::move(*failure));
    if (interference_.traces()) interference_.note("remove " + type + " " + id);
    return carry_out<void>(late, [=, this] { return system_.remove(type, id, expected, deadline); });
  });
}

Answer<std::vector<LegacyRecord>> SimPort::find(const std::string& type, const legacy::CreateMark& mark,
                                                Deadline deadline) {
  return call<std::vector<LegacyRecord>>("find", type, false, deadline,
                                         [&] { return system_.find(type, mark, deadline); });
}

Answer<std::vector<std::string>> SimPort::deleted_since(const std::string& type, const Cursor& since,
                                                        Deadline deadline) {
  return call<std::vector<std::string>>("deleted_since", type, false, deadline,
                                        [&] { return system_.deleted_since(type, since, deadline); });
}

Answer<std::vector<legacy::FieldDescription>> SimPort::describe(const std::string& type, Deadline deadline) {
  return call<std::vector<legacy::FieldDescription>>("describe", type, false, deadline,
                                                     [&] { return system_.describe(type, deadline); });
}

Answer<WallTime> SimPort::now(Deadline deadline) {
  return call<WallTime>("now", {}, false, deadline, [&] { return system_.now(deadline); });
}

}  // namespace banyan::simulation
