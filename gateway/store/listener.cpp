#include "gateway/store/listener.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "gateway/base/log.hpp"
#include "gateway/store/session.hpp"

namespace banyan::store {
namespace {

// Calls back and keeps what is thrown away from libpqxx and the thread.
template <typename Function, typename... Arguments>
void call(const Function& function, const Arguments&... arguments) {
  if (!function) return;
  try {
    function(arguments...);
  } catch (const std::exception& error) {
    log::error("a listener's callback failed", {{"reason", error.what()}});
  }
}

class Receiver final : public pqxx::notification_receiver {
public:
  using Function = std::function<void(const std::string& payload)>;
  Receiver(pqxx::connection_base& connection, const std::string& channel, const Function& function)
      : notification_receiver(connection, channel), function_(function) {}
  void operator()(const std::string& payload, int /*backend*/) override { call(function_, payload); }

private:
  const Function& function_;
};

}  // namespace

class Listener::Impl {
public:
  Impl(ListenerOptions options, Callbacks callbacks)
      : options_(std::move(options)), callbacks_(std::move(callbacks)), wake_(::eventfd(0, EFD_CLOEXEC)) {
    if (wake_ < 0) throw std::system_error(errno, std::system_category(), "eventfd");
    thread_ = std::thread([this] { run(); });
  }

  ~Impl() {
    stop();
    ::close(wake_);
  }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void stop() {
    const std::lock_guard lock(stopping_);
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(wake_, &one, sizeof one);
    if (thread_.joinable()) thread_.join();
  }

private:
  static constexpr int kForever = -1;

  void run();
  void listen(Session& session);
  // Waits until `descriptor` has something to read (true) or stop() is called or the time is over (false).
  bool wait_for(int descriptor, int limit_milliseconds);
  bool is_stopped() { return stopped_; }

  const ListenerOptions options_;
  const Callbacks callbacks_;
  const int wake_;  // readable from the first stop() on
  std::mutex stopping_;
  std::atomic<bool> stopped_{false};
  std::thread thread_;
};

bool Listener::Impl::wait_for(int descriptor, int limit_milliseconds) {
  std::array<pollfd, 2> watched{pollfd{wake_, POLLIN, 0}, pollfd{descriptor, POLLIN, 0}};
  const int ready = ::poll(watched.data(), watched.size(), limit_milliseconds);  // a negative descriptor is ignored
  if (watched[0].revents != 0) stopped_ = true;
  return ready > 0 && !stopped_;
}

void Listener::Impl::listen(Session& session) {
  std::vector<std::unique_ptr<Receiver>> receivers;
  for (const auto& [channel, function] : callbacks_.channels) {
    receivers.push_back(std::make_unique<Receiver>(session.connection(), channel, function));
  }
  call(callbacks_.connected);
  do session.connection().get_notifs();
  while (wait_for(session.connection().sock(), kForever) || (!is_stopped() && errno == EINTR));
}

void Listener::Impl::run() {
  SessionOptions session_options{options_.url, options_.connect_timeout, options_.application_name};
  auto pause = options_.first_pause;
  while (!is_stopped()) {
    std::string reason;
    auto session = Session::open(session_options);
    if (session) {
      pause = options_.first_pause;
      try {
        listen(**session);
      } catch (const pqxx::failure& failure) {
        reason = failure.what();
      }
    } else {
      reason = session.error().internal_detail;
    }
    if (is_stopped()) return;
    log::warn("listener connects again", {{"reason", reason}, {"pause_ms", pause}});
    wait_for(-1, static_cast<int>(pause.count()));
    pause = std::min(pause * 2, options_.longest_pause);
  }
}

Listener::Listener(ListenerOptions options, Callbacks callbacks)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(callbacks))) {}

Listener::~Listener() = default;

void Listener::stop() {
  impl_->stop();
}

}  // namespace banyan::store
