#include "gateway/store/database.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "gateway/base/log.hpp"
#include "gateway/store/session.hpp"
#include "gateway/store/sqlstate.hpp"
#include "gateway/store/timed_transaction.hpp"
#include "gateway/store/waiting_line.hpp"

namespace banyan::store {
namespace {

using std::chrono::milliseconds;

constexpr int kLossLimit = 3;  // connections lost by one call: a statement that ends its server is not run for ever
constexpr milliseconds kFirstPause{1};
constexpr milliseconds kLongestPause{64};
constexpr milliseconds kFirstReconnectPause{20};
constexpr milliseconds kLongestReconnectPause{250};

Error error_of(const pqxx::failure& failure, const std::string& sqlstate) {
  const ErrorCode code = error_code_of(sqlstate);
  std::string detail = failure.what();
  while (!detail.empty() && detail.back() == '\n') detail.pop_back();
  return {code, std::string(public_message_of(code)), "SQLSTATE " + sqlstate + ": " + detail};
}

Error late(const std::string& detail) {
  return {ErrorCode::deadline, std::string(public_message_of(ErrorCode::deadline)), detail};
}

// Between half of the pause and all of it, so that those who collided do not collide again.
milliseconds with_jitter(milliseconds pause) {
  thread_local std::minstd_rand random(std::random_device{}());
  return milliseconds(std::uniform_int_distribution<std::int64_t>((pause.count() + 1) / 2, pause.count())(random));
}

// How one run of fn ended.
struct Outcome {
  enum class Next { finished, run_again, reconnect } next = Next::finished;
  std::optional<Error> error;
};

}  // namespace

class Database::Impl {
public:
  Impl(DatabaseOptions options, const Clock& clock)
      : options_(std::move(options)), clock_(clock), line_(options_.connections, options_.queue_limit, clock) {}

  ~Impl() { line_.wait_until_empty(); }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<void> run(Deadline deadline, const std::function<void(Transaction&)>& fn, Isolation isolation);
  Result<void> ping(Deadline deadline);
  Figures figures() const;

private:
  // A place in the line and, once taken, a session; both go back whatever happens.
  class Lease {
  public:
    explicit Lease(Impl& pool) : pool_(pool) {}
    ~Lease() {
      put_back();
      pool_.line_.leave();
    }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    Session& take(std::unique_ptr<Session> session) {
      session_ = std::move(session);
      return *session_;
    }
    void put_back() {
      if (session_) pool_.put_back(std::move(session_));
    }
    void drop() {
      if (session_) pool_.drop(std::move(session_));
    }

  private:
    Impl& pool_;
    std::unique_ptr<Session> session_;
  };

  Outcome attempt(Session& session, Deadline deadline, const std::function<void(Transaction&)>& fn,
                  Isolation isolation);
  std::unique_ptr<Session> take_idle();
  Result<std::unique_ptr<Session>> connect_once(Deadline deadline);
  Result<std::unique_ptr<Session>> connect(Deadline deadline);
  void put_back(std::unique_ptr<Session> session);
  void drop(std::unique_ptr<Session> session);
  bool is_mending();
  void pause(milliseconds span, Deadline deadline) const;
  std::optional<milliseconds> left(Deadline deadline) const;

  const DatabaseOptions options_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Session>> idle_;  // the last one is used first
  std::optional<SteadyTime> missed_since_;      // when the server was first found not to answer
  std::size_t open_ = 0;
  std::atomic<std::uint64_t> transactions_{0};
  std::atomic<std::uint64_t> retries_{0};
  std::atomic<std::uint64_t> reconnects_{0};
  WaitingLine line_;  // last: its waiters end before anything else goes
};

std::optional<milliseconds> Database::Impl::left(Deadline deadline) const {
  if (!deadline.when()) return std::nullopt;
  return std::chrono::ceil<milliseconds>(*deadline.when() - clock_.now());
}

void Database::Impl::pause(milliseconds span, Deadline deadline) const {
  const auto remaining = left(deadline);
  std::this_thread::sleep_for(remaining ? std::min(span, *remaining) : span);
}

std::unique_ptr<Session> Database::Impl::take_idle() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return nullptr;
  auto session = std::move(idle_.back());
  idle_.pop_back();
  return session;
}

void Database::Impl::put_back(std::unique_ptr<Session> session) {
  if (!session->usable()) return drop(std::move(session));
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(session));
}

void Database::Impl::drop(std::unique_ptr<Session> session) {
  session.reset();  // closing may block, so not under the lock
  const std::lock_guard lock(mutex_);
  --open_;
}

// Whether the server went missing so shortly ago that it is worth waiting for.
bool Database::Impl::is_mending() {
  const std::lock_guard lock(mutex_);
  const SteadyTime now = clock_.now();
  if (!missed_since_) missed_since_ = now;
  return now - *missed_since_ < options_.mend_within;
}

Result<std::unique_ptr<Session>> Database::Impl::connect_once(Deadline deadline) {
  SessionOptions options;
  options.url = options_.url;
  options.application_name = options_.application_name;
  const auto remaining = left(deadline);
  options.connect_timeout = remaining ? std::min(options_.connect_timeout, *remaining) : options_.connect_timeout;
  auto session = Session::open(options);
  if (session) {
    const std::lock_guard lock(mutex_);
    missed_since_.reset();
    ++open_;
  }
  return session;
}

Result<std::unique_ptr<Session>> Database::Impl::connect(Deadline deadline) {
  milliseconds span = kFirstReconnectPause;
  for (;;) {
    auto session = connect_once(deadline);
    if (session || session.error().code != ErrorCode::unavailable || !is_mending()) return session;
    if (deadline.passed(clock_.now())) return tl::unexpected<Error>(late(session.error().internal_detail));
    pause(with_jitter(span), deadline);
    span = std::min(span * 2, kLongestReconnectPause);
  }
}

Outcome Database::Impl::attempt(Session& session, Deadline deadline, const std::function<void(Transaction&)>& fn,
                                Isolation isolation) {
  const auto remaining = left(deadline);
  if (remaining && remaining->count() <= 0) return {Outcome::Next::finished, late("deadline before the transaction")};
  try {
    TimedTransaction transaction(session.connection(), isolation, remaining.value_or(milliseconds::zero()));
    fn(transaction);
    if (deadline.passed(clock_.now())) return {Outcome::Next::finished, late("deadline before COMMIT")};
    transaction.commit();
    ++transactions_;
    return {};
  } catch (const Rollback& rollback) {
    return {Outcome::Next::finished, rollback.error()};
  } catch (const pqxx::in_doubt_error& doubt) {
    log::warn("commit outcome unknown", {{"reason", doubt.what()}});
    return {Outcome::Next::finished, Error{ErrorCode::unavailable,
                                           "the store cannot be reached; the change may or may "
                                           "not have been made",
                                           "commit outcome unknown"}};
  } catch (const pqxx::failure& failure) {
    const std::string state = sqlstate_of(failure);
    if (!session.usable() || ends_the_session(state)) {
      return {Outcome::Next::reconnect, error_of(failure, state.empty() ? "08006" : state)};
    }
    return {is_worth_another_attempt(state) ? Outcome::Next::run_again : Outcome::Next::finished,
            error_of(failure, state)};
  }
}

Result<void> Database::Impl::run(Deadline deadline, const std::function<void(Transaction&)>& fn, Isolation isolation) {
  if (deadline.passed(clock_.now())) return tl::unexpected<Error>(late("deadline before the call"));
  if (auto entered = line_.enter(deadline); !entered) return entered;
  Lease lease(*this);
  milliseconds span = kFirstPause;
  int losses = 0;
  for (std::size_t runs = 0;; ++runs) {
    // After a loss the other idle connections are probably as dead.
    auto session = losses == 0 ? take_idle() : nullptr;
    if (!session) {
      auto opened = connect(deadline);
      if (!opened) return tl::unexpected<Error>(std::move(opened.error()));
      session = std::move(*opened);
    }
    auto outcome = attempt(lease.take(std::move(session)), deadline, fn, isolation);
    if (outcome.next == Outcome::Next::reconnect) {
      lease.drop();
      if (++losses > kLossLimit) return tl::unexpected<Error>(std::move(*outcome.error));
      ++reconnects_;
      continue;
    }
    lease.put_back();
    if (!outcome.error) return {};
    if (outcome.next == Outcome::Next::finished || runs >= options_.retry_limit) {
      return tl::unexpected<Error>(std::move(*outcome.error));
    }
    ++retries_;
    pause(with_jitter(span), deadline);
    if (deadline.passed(clock_.now())) return tl::unexpected<Error>(late(outcome.error->internal_detail));
    span = std::min(span * 2, kLongestPause);
  }
}

Result<void> Database::Impl::ping(Deadline deadline) {
  if (auto entered = line_.enter(deadline); !entered) return entered;
  Lease lease(*this);
  const auto answers = [&](std::unique_ptr<Session> session) {
    auto outcome = attempt(
        lease.take(std::move(session)), deadline, [](Transaction& tx) { tx.exec1("SELECT 1"); },
        Isolation::read_committed);
    if (outcome.next == Outcome::Next::reconnect) lease.drop();
    return outcome;
  };
  if (auto idle = take_idle()) {
    if (answers(std::move(idle)).next != Outcome::Next::reconnect) return {};
  }
  auto opened = connect_once(deadline);
  if (!opened) return tl::unexpected<Error>(std::move(opened.error()));
  auto outcome = answers(std::move(*opened));
  if (outcome.error) return tl::unexpected<Error>(std::move(*outcome.error));
  return {};
}

Database::Figures Database::Impl::figures() const {
  Figures figures;
  figures.busy = line_.inside();
  figures.waiting = line_.waiting();
  figures.refused = line_.refused();
  figures.transactions = transactions_;
  figures.retries = retries_;
  figures.reconnects = reconnects_;
  const std::lock_guard lock(mutex_);
  figures.open = open_;
  return figures;
}

Database::Database(DatabaseOptions options, const Clock& clock)
    : impl_(std::make_unique<Impl>(std::move(options), clock)) {}

Database::~Database() = default;

Result<void> Database::run(Deadline deadline, const std::function<void(Transaction&)>& fn, Isolation isolation) {
  return impl_->run(deadline, fn, isolation);
}

Result<void> Database::ping(Deadline deadline) {
  return impl_->ping(deadline);
}

Database::Figures Database::figures() const {
  return impl_->figures();
}

void notify(Transaction& tx, std::string_view channel, std::string_view payload) {
  tx.exec_params("SELECT pg_notify($1, $2)", std::string(channel), std::string(payload));
}

}  // namespace banyan::store
