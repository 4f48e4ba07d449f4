// GuardedSystem: a legacy system that is left alone once it has refused the credentials.
//
// A wrong password tried again and again locks the user. So a refusal holds every call to the system, whatever the
// record type and the thread; after a pause a single one goes through, and if that is answered all do. What is held
// fails as `unauthorised`, with the time until it is worth asking again.
//
// What is refused for one kind of call alone, while others are answered, is a right that is missing and no wrong
// password: such a refusal is passed on and holds nobody else.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "adapters/legacy/legacy_system.hpp"

namespace banyan::legacy {

// Safe from several threads, as every LegacySystem is.
class GuardedSystem final : public LegacySystem {
public:
  // Between two calls to a system that refuses the credentials, all processes together.
  static constexpr std::chrono::seconds kPause{60};

  // `name`: of the system, for the log. `clock` must outlive the object.
  GuardedSystem(std::string name, std::unique_ptr<LegacySystem> system, const Clock& clock);

  // Somebody has put the credentials right, perhaps: the next call goes through. Once in five seconds at most.
  void try_now();
  // So many processes work on the system, this one included: the pause is that much longer.
  void shared_by(std::size_t processes);
  // Why calls are held; empty: they are not.
  std::string refusal() const;

  const Capabilities& capabilities(const std::string& type) const override;
  Answer<Page> changes(const std::string& type, const Cursor& after, std::size_t limit, Deadline deadline) override;
  Answer<Cursor> here(const std::string& type, Deadline deadline) override;
  Cursor rewind(const std::string& type, const Cursor& cursor, std::chrono::milliseconds overlap) const override;
  std::chrono::milliseconds distance(const std::string& type, const Cursor& later,
                                     const Cursor& earlier) const override;
  Answer<Page> scan(const std::string& type, const std::string& position, std::size_t limit,
                    Deadline deadline) override;
  Answer<std::vector<LegacyRecord>> fetch(const std::string& type, std::span<const std::string> ids,
                                          Deadline deadline) override;
  Answer<Written> create(const std::string& type, const Json& fields, const CreateMark& mark,
                         Deadline deadline) override;
  Answer<Written> update(const std::string& type, const std::string& id, const Json& fields, const Json& whole,
                         const std::string& expected, Deadline deadline) override;
  Answer<void> remove(const std::string& type, const std::string& id, const std::string& expected,
                      Deadline deadline) override;
  Answer<std::vector<LegacyRecord>> find(const std::string& type, const CreateMark& mark, Deadline deadline) override;
  Answer<std::vector<std::string>> deleted_since(const std::string& type, const Cursor& since,
                                                 Deadline deadline) override;
  Answer<std::vector<FieldDescription>> describe(const std::string& type, Deadline deadline) override;
  Answer<WallTime> now(Deadline deadline) override;

private:
  struct Ticket {
    std::int64_t round = 0;  // of refusals, when the call was let through
    bool is_probe = false;
  };
  struct CallEnd;
  // `proves`: whether a good answer shows that the credentials are; what an adapter can say by itself does not.
  template <typename Call>
  auto ask(const char* what, const std::string& type, bool proves, Call call) -> decltype(call());
  std::optional<Failure> enter(Ticket& ticket);
  void answered(const std::string& key, const Ticket& ticket);
  void refused(const std::string& key, Failure& failure);
  void ended(const Ticket& ticket, bool may_go_on);
  std::chrono::milliseconds pause() const { return kPause * static_cast<std::int64_t>(processes_); }

  const std::string name_;
  const std::unique_ptr<LegacySystem> system_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::size_t processes_ = 1;
  std::string refusal_;
  std::int64_t round_ = 0;
  SteadyTime next_{};  // when one call may go through; only while there is a refusal
  bool is_probed_ = false;
  std::optional<SteadyTime> tried_;  // by a person
  // Kinds of calls that were refused and not answered since, and whether others were answered meanwhile.
  std::map<std::string, bool> refused_;
};

}  // namespace banyan::legacy
