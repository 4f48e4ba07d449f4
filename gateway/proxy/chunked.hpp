// ChunkedDecoder: takes a chunked body apart (RFC 9112 section 7.1), strictly, however its bytes arrive.
//
// Written here because the framing of bodies is what the gate is about: Beast 1.74 accepts or refuses some broken
// trailers depending on how the bytes were split (tests/fuzz found it), and needs whole lines in its buffer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/proxy/gate.hpp"

namespace banyan::proxy {

enum class ParseStep : std::uint8_t { need_more, done, refused };

struct ParseLimits {
  std::uint32_t header_bytes;  // of a head; of all trailers together; of chunk extensions beyond the size of the data
  std::uint32_t header_count;
};

class ChunkedDecoder {
public:
  // `refused_status`: 400 for requests, 502 for responses.
  ChunkedDecoder(const ParseLimits& limits, int refused_status) : limits_(limits), refused_status_(refused_status) {}

  // Takes bytes in order; stops behind the first run of data, so that each step yields at most one. need_more with
  // consumed() == 0: all bytes have been taken. done: the body ended behind consumed().
  ParseStep decode(std::string_view bytes);

  std::size_t consumed() const { return consumed_; }
  std::string_view data() const { return data_; }
  // Complete once the body is done: one "Name: value\r\n" per trailer field that may be passed on.
  const std::string& trailers() const { return trailers_; }
  const Refusal& refusal() const { return refusal_; }

private:
  enum class State : std::uint8_t {
    size_first,  // a chunk size begins
    size,
    size_space,  // white space behind the size (RFC 9112 section 7.1.1: BWS)
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer,
    trailer_lf,
    done,
    refused,
  };

  void take(char c);
  void take_size(char c);
  void take_trailer(char c);
  void end_trailer_line();
  void refuse(Rule rule, std::string_view detail, int client_status = 400);

  ParseLimits limits_;
  int refused_status_;
  State state_ = State::size_first;
  std::uint64_t left_ = 0;  // of the chunk's data
  std::uint32_t size_digits_ = 0;
  std::uint64_t extension_bytes_ = 0;  // of the whole body
  std::uint64_t data_bytes_ = 0;
  std::uint32_t trailer_bytes_ = 0;
  std::uint32_t trailer_count_ = 0;
  std::size_t consumed_ = 0;
  std::string_view data_;
  std::string line_;  // trailer line under way
  std::string trailers_;
  Refusal refusal_{Rule::syntax, 400, {}};
};

}  // namespace banyan::proxy
