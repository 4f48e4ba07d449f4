#include "adapters/legacy/http_client.hpp"

#include <cpprest/http_client.h>
#include <pplx/pplx.h>
#include <pplx/threadpool.h>

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <mutex>
#include <stdexcept>
#include <utility>

namespace banyan::legacy {
namespace {

using Wire = web::http::client::http_client;

constexpr std::uintmax_t kLargestCaFile = 16UL << 20U;
constexpr std::size_t kThreads = 4;            // of the library's pool, which only moves bytes
constexpr int kRounds = 3;                     // of work that follows from work
constexpr std::size_t kKeptLanes = 16;         // idle connections kept for later requests
constexpr std::chrono::minutes kSilence{10};   // the library's own limit: a net under calls without a deadline
constexpr std::chrono::seconds kFarewell{60};  // at most, for what the library still does when a client ends

// The exchanges of one client that the library still knows.
class Exchanges {
public:
  void began() {
    const std::lock_guard lock(mutex_);
    ++count_;
  }

  void ended() {
    const std::lock_guard lock(mutex_);
    if (--count_ == 0) none_.notify_all();
  }

  void wait_for_none(std::chrono::steady_clock::time_point until) {
    std::unique_lock lock(mutex_);
    none_.wait_until(lock, until, [this] { return count_ == 0; });
  }

private:
  std::mutex mutex_;
  std::condition_variable none_;
  std::size_t count_ = 0;
};

// What one exchange has come to. Shared with the library's threads: a call that gave up leaves it to them.
struct Exchange {
  explicit Exchange(std::shared_ptr<Exchanges> among_them) : among(std::move(among_them)) { among->began(); }
  ~Exchange() { among->ended(); }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  const std::shared_ptr<Exchanges> among;
  std::mutex mutex;
  std::condition_variable changed;
  bool sent = false;       // the head has left, so the peer may act on the request
  bool abandoned = false;  // nobody waits any more
  bool too_large = false;
  bool done = false;
  std::string fault;  // empty: `response` is whole
  HttpResponse response;
};

// Thrown inside the library to end an exchange.
struct Ended final : std::runtime_error {
  using std::runtime_error::runtime_error;
};

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

// "https://host:port" and the path behind it, without a slash at its end.
struct Base {
  std::string origin;
  std::string path;
};

Base split_base(const std::string& url) {
  const auto scheme_end = url.find("://");
  const std::string scheme = url.substr(0, scheme_end);
  if (scheme_end == std::string::npos || (scheme != "http" && scheme != "https")) {
    throw std::invalid_argument("expected a URL that begins with http:// or https://");
  }
  const auto path_begin = url.find_first_of("/?#", scheme_end + 3);
  Base base{url.substr(0, path_begin), path_begin == std::string::npos ? "" : url.substr(path_begin)};
  const std::string authority = base.origin.substr(scheme_end + 3);
  if (authority.empty()) throw std::invalid_argument("expected a host in the URL");
  if (authority.find('@') != std::string::npos) {
    throw std::invalid_argument("expected a URL without user or password: credentials have settings of their own");
  }
  if (base.path.find_first_of("?#") != std::string::npos) {
    throw std::invalid_argument("expected a URL without query or fragment");
  }
  if (!web::uri::validate(url)) throw std::invalid_argument("expected a valid URL");
  while (!base.path.empty() && base.path.back() == '/') base.path.pop_back();
  return base;
}

// What the library calls after the head was sent, and with each piece of an answer. Its arithmetic trusts the lengths
// that the peer claims; a count that falls shows a negative one.
void watch(Exchange& exchange, web::http::message_direction::direction direction, std::uint64_t bytes,
           std::uint64_t& last, std::size_t limit) {
  const std::lock_guard lock(exchange.mutex);
  if (exchange.abandoned) throw Ended("abandoned");
  if (direction == web::http::message_direction::upload) {
    exchange.sent = true;
    return;
  }
  if (bytes < last) throw Ended("an answer with a negative length");
  last = bytes;
  if (bytes > limit) {
    exchange.too_large = true;
    throw Ended("too large");
  }
}

void finish(Exchange& exchange, std::string fault) {
  const std::lock_guard lock(exchange.mutex);
  exchange.done = true;
  exchange.fault = std::move(fault);
  exchange.changed.notify_all();
}

std::string reason(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& error) {
    const std::string text = error.what();
    return text.empty() ? "the connection failed" : text;
  } catch (...) {
    return "the connection failed";
  }
}

void collect_head(Exchange& exchange, const web::http::http_response& response) {
  const std::lock_guard lock(exchange.mutex);
  exchange.response.status = response.status_code();
  for (const auto& [name, value] : response.headers()) exchange.response.headers.emplace_back(name, value);
}

void collect_body(Exchange& exchange, const std::vector<unsigned char>& body, std::size_t limit) {
  {
    const std::lock_guard lock(exchange.mutex);
    exchange.too_large = body.size() > limit;
    if (!exchange.too_large) exchange.response.body.assign(body.begin(), body.end());
  }
  finish(exchange, body.size() > limit ? "too large" : "");
}

void start(Wire& wire, const web::http::http_request& request, const std::shared_ptr<Exchange>& exchange,
           const pplx::cancellation_token& token, std::size_t limit) {
  wire.request(request, token)
      .then([exchange](const web::http::http_response& response) {
        collect_head(*exchange, response);
        return response.extract_vector();
      })
      .then([exchange, limit](const pplx::task<std::vector<unsigned char>>& body) {
        try {
          collect_body(*exchange, body.get(), limit);
        } catch (...) {
          finish(*exchange, reason(std::current_exception()));
        }
      });
}

bool breaks_lines(const HttpRequest& request) {
  return std::any_of(request.headers.begin(), request.headers.end(), [](const auto& field) {
    return (field.first + field.second).find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos;
  });
}

void start_library() {
  static std::once_flag once;
  std::call_once(once, [] {
    // OpenSSL cleans up at exit. Begun before the pool, it does so after the pool's threads have ended.
    const boost::asio::ssl::context begin_openssl(boost::asio::ssl::context::tls_client);
    try {
      crossplat::threadpool::initialize_with_threads(kThreads);
    } catch (const std::exception&) {
      // Somebody else has started the pool already; its size is theirs to choose.
    }
    // Made here: the library makes it at the first request, and threads that have theirs at once race for it.
    (void)pplx::get_ambient_scheduler();
  });
}

// Where all threads of the pool meet: each has then finished what it was at.
struct Meeting {
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t present = 0;

  void arrive(std::size_t count, std::chrono::steady_clock::time_point until) {
    std::unique_lock lock(mutex);
    present += count;
    changed.notify_all();
    changed.wait_until(lock, until, [&] { return present >= kThreads; });
  }
};

// The library goes on after it has told the outcome of an exchange, or was told to cancel it, in tasks that follow from
// tasks. A process that ended in the middle of it would leak.
void let_library_finish(Exchanges& exchanges) {
  const auto until = std::chrono::steady_clock::now() + kFarewell;
  exchanges.wait_for_none(until);
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  for (int round = 0; round < kRounds; ++round) {
    const auto meeting = std::make_shared<Meeting>();
    for (std::size_t i = 0; i < kThreads; ++i) {
      crossplat::threadpool::shared_instance().service().post([meeting, until] { meeting->arrive(1, until); });
    }
    meeting->arrive(0, until);
  }
}

}  // namespace

std::string_view HttpResponse::header(std::string_view name) const {
  for (const auto& [field, value] : headers) {
    if (equals_ignoring_case(field, name)) return value;
  }
  return {};
}

// A lane is one library client with connections of its own, and serves one call at a time. After anything odd it is
// thrown away with its connections, so what is left on them can answer nobody else's request.
class HttpClient::Impl {
public:
  explicit Impl(HttpOptions options) : options_(std::move(options)), base_(split_base(options_.base_url)) {
    start_library();
    config_.set_timeout(kSilence);
    config_.set_max_redirects(0);
    if (!options_.ca_file.empty()) trust(options_.ca_file);
  }

  const std::shared_ptr<Exchanges>& exchanges() const { return exchanges_; }

  Answer<HttpResponse> call(const HttpRequest& request, Deadline deadline) {
    const auto target = resolve(request.target);
    if (!target)
      return fail(Failure::Kind::malformed, request, "",
                  "the address " + excerpt(request.target, 200) + " is of another origin, or no address");
    if (breaks_lines(request))
      return fail(Failure::Kind::malformed, request, *target, "a header field with a line break");
    if (deadline.passed(std::chrono::steady_clock::now())) {
      return fail(Failure::Kind::deadline, request, *target, "no time left before it was sent");
    }
    auto exchange = std::make_shared<Exchange>(exchanges_);
    const pplx::cancellation_token_source cancel;
    std::shared_ptr<Wire> lane = request.write ? nullptr : take_lane();
    try {
      if (!lane) lane = std::make_shared<Wire>(web::uri(base_.origin), config_);
      start(*lane, build(request, *target, exchange), exchange, cancel.get_token(), options_.body_limit_bytes);
    } catch (const std::exception& error) {
      return fail(Failure::Kind::unavailable, request, *target, error.what());
    }
    return wait(request, *target, *exchange, cancel, std::move(lane), deadline);
  }

private:
  void trust(const std::string& ca_file) {
    if (const auto fault = fault_in_ca_file(ca_file)) throw std::runtime_error(*fault);
    config_.set_ssl_context_callback([ca_file](boost::asio::ssl::context& context) {
      // A new context, because the library has put the authorities of the operating system into this one already.
      context = boost::asio::ssl::context(boost::asio::ssl::context::tls_client);
      context.load_verify_file(ca_file);
    });
  }

  std::optional<std::string> resolve(const std::string& target) const {
    std::string path = base_.path + target;
    if (target.find("://") != std::string::npos && target.rfind('/', 0) != 0) {
      if (target.rfind(base_.origin, 0) != 0) return std::nullopt;
      path = target.substr(base_.origin.size());
    }
    if (path.empty()) path = "/";
    if (path.front() == '?') path.insert(0, "/");
    if (path.front() != '/' || !web::uri::validate(path)) return std::nullopt;
    return path;
  }

  web::http::http_request build(const HttpRequest& request, const std::string& target,
                                const std::shared_ptr<Exchange>& exchange) const {
    web::http::http_request built(request.method);
    built.set_request_uri(web::uri(target));
    for (const auto& [name, value] : request.headers) built.headers().add(name, value);
    if (!built.headers().has("User-Agent")) built.headers().add("User-Agent", "banyan");
    if (!request.body.empty()) {
      const bool typed = built.headers().has("Content-Type");
      const auto type = typed ? built.headers()["Content-Type"] : std::string("application/octet-stream");
      built.set_body(std::vector<unsigned char>(request.body.begin(), request.body.end()));
      built.headers().set_content_type(type);
    }
    built.set_progress_handler([exchange, limit = options_.body_limit_bytes, last = std::uint64_t{0}](
                                   web::http::message_direction::direction direction, std::uint64_t bytes) mutable {
      watch(*exchange, direction, bytes, last, limit);
    });
    return built;
  }

  Answer<HttpResponse> wait(const HttpRequest& request, const std::string& target, Exchange& exchange,
                            const pplx::cancellation_token_source& cancel, std::shared_ptr<Wire> lane,
                            Deadline deadline) {
    std::unique_lock lock(exchange.mutex);
    const auto done = [&] { return exchange.done; };
    if (!deadline.when()) {
      exchange.changed.wait(lock, done);
    } else if (!exchange.changed.wait_until(lock, *deadline.when(), done)) {
      exchange.abandoned = true;
      const bool sent = exchange.sent;
      lock.unlock();
      cancel.cancel();
      return fail(Failure::Kind::deadline, request, target,
                  sent ? "no whole answer before the deadline" : "not connected before the deadline");
    }
    if (exchange.fault.empty()) {
      // An interim answer would leave the real one on the connection.
      if (exchange.response.status >= 200) keep_lane(std::move(lane));
      return std::move(exchange.response);
    }
    const std::string fault = exchange.too_large
                                  ? "the answer is larger than " + std::to_string(options_.body_limit_bytes) + " bytes"
                                  : exchange.fault;
    const auto kind = request.write && exchange.sent ? Failure::Kind::unknown
                      : exchange.too_large           ? Failure::Kind::malformed
                                                     : Failure::Kind::unavailable;
    return fail(kind, request, target, fault);
  }

  tl::unexpected<Failure> fail(Failure::Kind kind, const HttpRequest& request, const std::string& target,
                               const std::string& what) const {
    const std::string path = target.substr(0, target.find_first_of("?#"));
    return tl::unexpected(
        Failure{kind, request.method + " " + base_.origin + path + ": " + excerpt(what), std::nullopt});
  }

  std::shared_ptr<Wire> take_lane() {
    const std::lock_guard lock(mutex_);
    if (lanes_.empty()) return nullptr;
    auto lane = std::move(lanes_.back());
    lanes_.pop_back();
    return lane;
  }

  void keep_lane(std::shared_ptr<Wire> lane) {
    const std::lock_guard lock(mutex_);
    if (lanes_.size() < kKeptLanes) lanes_.push_back(std::move(lane));
  }

  HttpOptions options_;
  Base base_;
  web::http::client::http_client_config config_;
  const std::shared_ptr<Exchanges> exchanges_ = std::make_shared<Exchanges>();
  std::mutex mutex_;
  std::vector<std::shared_ptr<Wire>> lanes_;  // idle
};

bool is_base_url(const std::string& url) {
  try {
    (void)split_base(url);
    return true;
  } catch (const std::invalid_argument&) {
    return false;
  }
}

std::optional<std::string> fault_in_ca_file(const std::string& path) {
  const auto fault = [&path](const std::string& why) { return "cannot read the certificates of " + path + ": " + why; };
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);  // an error for whatever is no regular file
  if (error) return fault(error.message());
  if (size > kLargestCaFile) return fault("it is larger than " + std::to_string(kLargestCaFile) + " bytes");
  boost::system::error_code refused;
  boost::asio::ssl::context probe(boost::asio::ssl::context::tls_client);
  probe.load_verify_file(path, refused);
  if (refused) return fault(refused.message());
  return std::nullopt;
}

HttpClient::HttpClient(HttpOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
HttpClient::~HttpClient() {
  const auto exchanges = impl_->exchanges();
  impl_.reset();
  let_library_finish(*exchanges);
}

Answer<HttpResponse> HttpClient::call(const HttpRequest& request, Deadline deadline) {
  return impl_->call(request, deadline);
}

}  // namespace banyan::legacy
