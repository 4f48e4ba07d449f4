// ClientConnection: one client, its requests one after the other, and for each the exchange with an upstream.
//
// A state machine on callbacks instead of a coroutine: per request it costs no frame and no allocation, which at 1 KiB
// bodies is what decides (docs/decisions/0003-state-machine-on-the-data-plane.md). Belongs to one io thread.
//
//   idle -> reading_head -> [reading_body] -> exchanging -> idle | tunnelling | lingering -> closed
//
// In `exchanging`, the two directions run side by side: the request body goes up while an answer may already come down.
// Where things are: client_head.cpp reads heads; client_body.cpp takes request bodies apart and buffers them where a
// decision or an upstream needs all of them; exchange.cpp chooses the upstream, sends, retries and falls back;
// response.cpp relays answers; tunnel.cpp is what follows a 101; client_connection.cpp begins, ends and accounts.
#pragma once

#include "gateway/net/socket.hpp"
//
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "gateway/proxy/head_parser.hpp"
#include "gateway/proxy/kept.hpp"
#include "gateway/proxy/upstream.hpp"
#include "gateway/proxy/worker.hpp"
#include "migration/catalog/decide.hpp"

namespace banyan::proxy {

class ClientConnection final : public net::Counted<ClientConnection>,
                               public LiveConnection,
                               private net::DeadlineEntry,
                               private UpstreamUser {
public:
  ClientConnection(Worker& worker, net::Socket socket);
  ~ClientConnection();

  void start();
  void drain() override;
  void abort() override;

private:
  enum class State : std::uint8_t { idle, reading_head, reading_body, exchanging, tunnelling, lingering, closed };

  // An idle connection gives its buffer back after this.
  static constexpr std::chrono::milliseconds kHibernateAfter{1'000};

  // What the exchange waits for; decides which timeout runs and what its end means.
  enum class Wait : std::uint8_t { connect, request_body, response_header, response_body };

  // Pieces of decoded body that lie in a window, and how many bytes of the window they take with their framing.
  struct Batch {
    std::array<std::string_view, net::SendQueue::kMaxPieces - 2> pieces;
    std::size_t count = 0;
    std::size_t bytes = 0;     // of data
    std::size_t consumed = 0;  // of the window
    bool finished = false;     // the body ends with this batch
    bool refused = false;      // the framing is broken
  };

  // All that belongs to one request. Made anew for each.
  struct Exchange {
    Exchange();  // written out of line: clang 14 cannot make an optional of a nested class with initializers otherwise

    SteadyTime started;
    SteadyTime asked;     // the request went to the upstream
    SteadyTime answered;  // the response head came
    catalog::FunctionId function = 0;
    bool recognised = false;
    std::vector<std::string> record_ids;  // that the request names; of a write that may be observed
    catalog::Subject subject;
    catalog::Decision decision;
    std::string_view client;  // address; views into peer_ or the request
    std::array<char, 55> traceparent{};
    std::string_view request_id;
    TraceId trace_id{};
    RequestIdentity identity;

    // Request body.
    Batch up_batch;               // being sent
    std::uint64_t body_left = 0;  // Framing::length: bytes not yet taken
    bool body_done = false;       // all of it has been taken from the client
    bool body_in_memory = false;  // all of it is in `body` and can be sent again
    bool body_too_large_to_see = false;
    bool sent_continue = false;
    std::string_view body;  // if body_in_memory
    std::string buffered;   // what of it did not stay in the read buffer
    std::size_t buffer_limit = 0;
    std::uint64_t request_bytes = 0;

    // Upstream.
    UpstreamPtr upstream;
    Endpoint* endpoint = nullptr;
    std::uint32_t upstream_index = 0;
    std::uint64_t tried = 0;     // endpoints of this upstream, a bit each
    bool head_sent = false;      // the upstream may have seen some of the request
    bool request_sent = false;   // all of it
    bool upstream_gone = false;  // sending failed; its last words may still come
    Wait wait = Wait::connect;
    std::chrono::milliseconds span{0};      // of the deadline that runs
    std::uint64_t bytes_moved = 0;          // when it was set
    std::chrono::milliseconds patience{0};  // what of the deadline is left after the step that is set

    // Response.
    Batch down_batch;  // being sent
    std::optional<ResponseParser> parser;
    std::optional<ChunkedDecoder> response_chunks;
    std::optional<ChunkedDecoder> request_chunks;
    unsigned interims = 0;
    bool response_started = false;
    bool own_response = false;    // Banyan answered itself
    bool head_pending = false;    // the response head waits in the head buffer
    bool upstream_ended = false;  // the connection's end, which ends a close-delimited body
    bool response_done = false;
    bool keep_alive = false;
    Framing client_framing = Framing::none;
    std::uint64_t response_left = 0;
    std::uint64_t response_bytes = 0;
    int status = 0;
    std::string_view error;
  };

  // client_connection.cpp
  void read_client(Window& window, std::size_t most = std::numeric_limits<std::size_t>::max());
  void on_client_read(net::ErrorCode ec, std::size_t n);
  void on_client_gone();
  void on_client_sent(net::ErrorCode ec);
  bool send_client(std::string_view head, std::span<const std::string_view> pieces, net::ErrorCode& ec);
  void on_deadline() override;
  void set_exchange_deadline(std::chrono::milliseconds span);
  void step_exchange_deadline();
  std::uint64_t bytes_moved() const;
  bool request_is_read() const;
  void on_exchange_deadline();
  void account();
  void linger();
  void close();
  void hibernate();

  // client_head.cpp
  void go_idle();
  void parse_head();
  void wait_for_more_head();
  void on_head();
  void identify();
  void refuse(const Refusal& refusal);
  void recognise();
  void decide();
  catalog::RequestView request_view() const;

  // client_body.cpp
  bool body_lies_in_memory();
  void gather_body();
  void buffer_body(std::size_t limit);
  void continue_buffering();
  void on_buffered();
  void on_buffer_full();
  Batch take_batch(Window& window);
  bool send_continue();
  void read_body();
  Window& body_source() { return body_.block ? body_ : in_; }

  // exchange.cpp
  void forward();
  void watch_client();
  void connect_to(Endpoint& endpoint, bool fresh);
  void on_upstream_connected(net::ErrorCode ec) override;
  void send_request();
  std::size_t frame_request_batch(std::array<std::string_view, net::SendQueue::kMaxPieces>& pieces);
  void relay_request_body();
  void on_request_sent();
  void on_upstream_sent(net::ErrorCode ec) override;
  void on_upstream_failed(ErrorCode code, std::string_view word);
  bool try_fall_back();
  void drop_upstream();
  void respond(int status, std::string_view detail, std::string_view word);

  // response.cpp
  void on_upstream_read(net::ErrorCode ec) override;
  void parse_response_head();
  bool forward_interim();
  void on_response_head();
  void observe_write();
  void relay_response_body();
  void on_response_sent(net::ErrorCode ec);
  void finish_exchange();
  void cut_off(std::string_view word);
  Batch take_response_batch();
  bool take_next_response_bytes();
  bool send_response_batch(std::string_view head, net::ErrorCode& ec);

  // tunnel.cpp
  void start_tunnel();
  void pump_up();
  void pump_down();
  void end_tunnel_side(bool client_side);
  void shut_down(net::Socket& socket);
  void end_tunnel(std::string_view word);

  // Itself, until it has closed: at times only an operation of the upstream's is under way.
  boost::intrusive_ptr<ClientConnection> alive_;
  Worker& worker_;
  net::Socket socket_;
  std::string peer_;
  bool peer_trusted_ = false;
  State state_ = State::idle;

  Window in_;    // heads, and what follows them
  Window body_;  // request bodies that do not fit behind their head
  Window* reading_into_ = nullptr;
  net::HandlerMemory read_memory_;
  net::SendQueue queue_;
  bool hibernating_ = false;

  RequestHead request_;
  ResponseHead response_;  // kept between exchanges for the memory of its fields
  std::optional<RequestParser> parser_;
  Kept<Exchange> exchange_;
  Batch up_batch_;            // being sent
  Batch down_batch_;          // being sent
  std::string trailing_;      // the end of a chunked request body, being sent
  std::string response_end_;  // of a chunked response body
  bool interim_pending_ = false;
  std::size_t lingered_bytes_ = 0;
  bool client_ended_ = false;  // tunnel: half closed
  bool upstream_ended_ = false;
};

}  // namespace banyan::proxy
