// MessageReader: takes HTTP/1.1 messages off a byte stream, one at a time and strictly (RFC 9112).
//
// The caller feeds what it has received and acts on one event after the other:
//
//   MessageReader::Step step;
//   do {
//     step = reader.next(input);  // also with an empty input: a message may have ended with the last byte
//     input.remove_prefix(step.consumed);
//     ... switch (step.event)
//   } while (step.event != MessageReader::Event::need_more);
//
// It is a reader for tests: whatever is not plainly well-formed fails, so that a proxy cannot hide a fault behind a
// lenient peer. It shares no code with the proxy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace banyan::load {

class MessageReader {
public:
  enum class Kind : std::uint8_t { request, response };

  enum class Event : std::uint8_t {
    need_more,  // the input is used up; the message goes on
    head,       // start line and fields can be read
    body,       // Step::body holds the next bytes of the body
    complete,   // the message has ended; start() begins the next one
    failed,     // malformed: error() says what; the stream is of no further use
  };

  struct Step {
    Event event = Event::need_more;
    std::size_t consumed = 0;
    std::string_view body;  // part of the input given to next()
  };

  explicit MessageReader(Kind kind) : kind_(kind) {}

  // Begins the next message. `bodiless`: a response to HEAD, which has no body whatever its fields say.
  void start(bool bodiless = false);

  // The next event. Call again with the rest of the input until it returns need_more. Interim (1xx) responses are
  // passed over.
  Step next(std::string_view input);

  // The peer has closed its side: true if this completes the message (a response framed by the end of the connection).
  bool completed_by_close() const { return state_ == State::until_close; }

  // True while no byte of the message has been seen.
  bool untouched() const { return state_ == State::head && head_.empty() && interim_ == 0; }

  // Of the head; views stay valid until start().
  std::string_view method() const;  // of a request
  std::string_view target() const;  // of a request
  int status() const { return status_; }
  std::string_view field(std::string_view name) const;  // trimmed value of the first such field; empty if absent
  bool keep_alive() const;                              // the connection may carry another message
  const std::string& error() const { return error_; }

private:
  enum class State : std::uint8_t {
    head,
    head_done,
    fixed,
    until_close,
    chunk_size,
    chunk_data,
    chunk_end,
    trailers,
    complete,
    failed,
  };

  Step read_head(std::string_view input);
  Step read_line(std::string_view input);
  bool parse_start_line();
  bool parse_status_line(std::string_view line);
  bool check_fields();
  bool choose_framing();
  bool accept_line();
  bool accept_chunk_size(std::string_view line);
  Step fail(std::string message);
  std::size_t count_fields(std::string_view name) const;

  Kind kind_;
  State state_ = State::head;
  bool bodiless_ = false;
  int status_ = 0;
  int interim_ = 0;
  std::uint64_t remaining_ = 0;
  std::size_t start_line_size_ = 0;
  std::string head_;  // with the empty line
  std::string line_;  // a chunk-size or trailer line that is still coming
  std::string error_;
};

}  // namespace banyan::load
