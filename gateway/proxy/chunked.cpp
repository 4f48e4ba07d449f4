#include "gateway/proxy/chunked.hpp"

#include <algorithm>
#include <limits>

namespace banyan::proxy {
namespace {

constexpr bool is_control(char c) {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
}

// RFC 9110 section 5.6.2.
constexpr bool is_token_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

ParseStep ChunkedDecoder::decode(std::string_view bytes) {
  consumed_ = 0;
  data_ = {};
  while (consumed_ < bytes.size() && data_.empty() && state_ < State::done) {
    if (state_ != State::data) {
      take(bytes[consumed_++]);
      continue;
    }
    data_ = bytes.substr(consumed_, left_);
    consumed_ += data_.size();
    left_ -= data_.size();
    data_bytes_ += data_.size();
    if (left_ == 0) state_ = State::data_cr;
  }
  if (state_ == State::refused) return ParseStep::refused;
  return state_ == State::done ? ParseStep::done : ParseStep::need_more;
}

void ChunkedDecoder::take(char c) {
  const auto expect = [&](char wanted, State next) {
    if (c != wanted) return refuse(Rule::syntax, "A chunk is malformed.");
    state_ = next;
  };
  switch (state_) {
    case State::size_first:
    case State::size:
      return take_size(c);
    case State::extension:
      if (c == '\r') return void(state_ = State::size_lf);
      if (is_control(c)) return refuse(Rule::syntax, "A chunk extension holds a control byte.");
      // Extensions cost the reader and carry nothing: no more of them than of data, apart from a first allowance.
      if (++extension_bytes_ > limits_.header_bytes + data_bytes_) {
        return refuse(Rule::header_too_large, "The chunk extensions are too large.", 431);
      }
      return;
    case State::size_space:
      if (c == '\r') return void(state_ = State::size_lf);
      if (c == ';') return void(state_ = State::extension);
      if (c != ' ' && c != '\t') return refuse(Rule::syntax, "A chunk size is malformed.");
      if (++extension_bytes_ > limits_.header_bytes + data_bytes_) {
        return refuse(Rule::header_too_large, "The chunk extensions are too large.", 431);
      }
      return;
    case State::size_lf:
      return expect('\n', left_ == 0 ? State::trailer : State::data);
    case State::data_cr:
      return expect('\r', State::data_lf);
    case State::data_lf:
      return expect('\n', State::size_first);
    case State::trailer:
      return take_trailer(c);
    case State::trailer_lf:
      if (c != '\n') return refuse(Rule::syntax, "A trailer line is malformed.");
      return end_trailer_line();
    case State::data:
    case State::done:
    case State::refused:
      return;
  }
}

void ChunkedDecoder::take_size(char c) {
  if (const int digit = hex_value(c); digit >= 0) {
    if (state_ == State::size_first) left_ = size_digits_ = 0;
    // Leading zeros count too: sixteen digits are all that 64 bits can need.
    if (++size_digits_ > 16 || left_ > std::numeric_limits<std::uint64_t>::max() >> 5) {
      return refuse(Rule::syntax, "A chunk size is too large.");
    }
    left_ = left_ << 4 | static_cast<std::uint64_t>(digit);
    state_ = State::size;
    return;
  }
  const bool ends = c == '\r' || c == ';' || c == ' ' || c == '\t';
  if (state_ == State::size_first || !ends) return refuse(Rule::syntax, "A chunk size is malformed.");
  state_ = c == '\r' ? State::size_lf : c == ';' ? State::extension : State::size_space;
}

void ChunkedDecoder::take_trailer(char c) {
  if (c == '\r') return void(state_ = State::trailer_lf);
  if (line_.empty() && (c == ' ' || c == '\t')) return refuse(Rule::obs_fold, "A trailer line is folded.");
  if (is_control(c)) return refuse(Rule::syntax, "A trailer line holds a control byte.");
  if (++trailer_bytes_ > limits_.header_bytes)
    return refuse(Rule::header_too_large, "The trailers are too large.", 431);
  line_ += c;
}

void ChunkedDecoder::end_trailer_line() {
  if (line_.empty()) return void(state_ = State::done);
  const std::string_view line = line_;
  const auto colon = line.find(':');
  const auto name = line.substr(0, colon);
  if (colon == std::string_view::npos || name.empty() || !std::all_of(name.begin(), name.end(), is_token_char)) {
    return refuse(Rule::syntax, "A trailer line is no field.");
  }
  if (++trailer_count_ > limits_.header_count)
    return refuse(Rule::too_many_fields, "There are too many trailers.", 431);
  auto value = line.substr(colon + 1);
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
  while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
  if (may_be_trailer(name)) trailers_.append(name).append(": ").append(value).append("\r\n");
  line_.clear();
  state_ = State::trailer;
}

void ChunkedDecoder::refuse(Rule rule, std::string_view detail, int client_status) {
  refusal_ = {rule, refused_status_ == 502 ? 502 : client_status, detail};
  state_ = State::refused;
}

}  // namespace banyan::proxy
