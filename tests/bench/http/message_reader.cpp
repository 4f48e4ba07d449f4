#include "tests/bench/http/message_reader.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace banyan::load {
namespace {

constexpr std::size_t kHeadLimit = 64 * 1024;
constexpr std::size_t kLineLimit = 4 * 1024;
constexpr int kInterimLimit = 100;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equal_without_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool is_token(std::string_view text) {
  constexpr std::string_view kOther = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') || kOther.find(c) != kOther.npos;
  });
}

bool has_control_byte(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == '\x7f'; });
}

// Calls visit(name, value) for every field line of a head until it returns false; false if it did.
template <typename Visit>
bool each_field(std::string_view fields, Visit visit) {
  while (!fields.empty()) {
    const std::size_t end = fields.find("\r\n");
    const std::string_view line = fields.substr(0, end);
    if (line.empty()) return true;
    const std::size_t colon = line.find(':');
    const std::string_view value = colon == line.npos ? std::string_view{} : trim(line.substr(colon + 1));
    if (!visit(line.substr(0, colon), value)) return false;
    fields.remove_prefix(end + 2);
  }
  return true;
}

bool parse_number(std::string_view text, int base, std::uint64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

void MessageReader::start(bool bodiless) {
  state_ = State::head;
  bodiless_ = bodiless;
  status_ = 0;
  interim_ = 0;
  remaining_ = 0;
  head_.clear();
  line_.clear();
}

MessageReader::Step MessageReader::next(std::string_view input) {
  switch (state_) {
    case State::head:
      return read_head(input);
    case State::head_done:
      if (!choose_framing()) return fail("bad framing");
      return next(input);
    case State::fixed:
    case State::chunk_data: {
      if (remaining_ == 0) {
        state_ = state_ == State::fixed ? State::complete : State::chunk_end;
        return next(input);
      }
      if (input.empty()) return Step{};
      const std::string_view part =
          input.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, input.size())));
      remaining_ -= part.size();
      return Step{Event::body, part.size(), part};
    }
    case State::until_close:
      return input.empty() ? Step{} : Step{Event::body, input.size(), input};
    case State::chunk_size:
    case State::chunk_end:
    case State::trailers:
      return read_line(input);
    case State::complete:
      return Step{Event::complete, 0, {}};
    case State::failed:
      break;
  }
  return Step{Event::failed, 0, {}};
}

MessageReader::Step MessageReader::read_head(std::string_view input) {
  const std::size_t before = head_.size();
  head_.append(input.substr(0, kHeadLimit));
  const std::size_t end = head_.find("\r\n\r\n", before < 3 ? 0 : before - 3);
  if (end == head_.npos) {
    if (head_.size() >= kHeadLimit) return fail("head too large");
    return Step{Event::need_more, input.size(), {}};
  }
  head_.resize(end + 4);
  const std::size_t consumed = head_.size() - before;
  if (!parse_start_line()) return fail("bad start line: " + head_.substr(0, 80));
  if (!check_fields()) return fail("bad field line");
  if (kind_ == Kind::response && status_ < 200 && status_ != 101) {
    if (++interim_ > kInterimLimit) return fail("too many interim responses");
    head_.clear();
    Step rest = read_head(input.substr(consumed));
    rest.consumed += consumed;
    return rest;
  }
  state_ = State::head_done;
  return Step{Event::head, consumed, {}};
}

// One line of the chunked coding: a chunk size, the end of a chunk, a trailer.
MessageReader::Step MessageReader::read_line(std::string_view input) {
  const std::size_t newline = input.find('\n');
  const std::size_t consumed = newline == input.npos ? input.size() : newline + 1;
  line_.append(input.substr(0, consumed));
  if (line_.size() > kLineLimit) return fail("line too long in chunked body");
  if (newline == input.npos) return Step{Event::need_more, consumed, {}};
  if (line_.size() < 2 || line_[line_.size() - 2] != '\r') return fail("bare LF in chunked body");
  line_.resize(line_.size() - 2);
  if (!accept_line()) return fail("bad chunked body: " + line_);
  line_.clear();
  Step rest = next(input.substr(consumed));
  rest.consumed += consumed;
  return rest;
}

bool MessageReader::accept_line() {
  switch (state_) {
    case State::chunk_size:
      return accept_chunk_size(line_);
    case State::chunk_end:
      state_ = State::chunk_size;
      return line_.empty();
    default:
      if (line_.empty()) state_ = State::complete;
      return line_.empty() || is_token(std::string_view(line_).substr(0, line_.find(':')));
  }
}

bool MessageReader::accept_chunk_size(std::string_view line) {
  const std::string_view digits = line.substr(0, line.find(';'));
  if (digits.size() > 16 || !parse_number(digits, 16, remaining_)) return false;
  state_ = remaining_ == 0 ? State::trailers : State::chunk_data;
  return true;
}

bool MessageReader::parse_start_line() {
  start_line_size_ = head_.find("\r\n");
  const std::string_view line = std::string_view(head_).substr(0, start_line_size_);
  if (has_control_byte(line)) return false;
  if (kind_ == Kind::response) return parse_status_line(line);
  const std::size_t version = line.rfind(' ');
  if (version == line.npos || !line.substr(version).starts_with(" HTTP/1.") || line.size() != version + 9) return false;
  return is_token(method()) && !target().empty() && target().find(' ') == line.npos;
}

bool MessageReader::parse_status_line(std::string_view line) {
  std::uint64_t status = 0;
  if (line.size() < 12 || !line.starts_with("HTTP/1.") || line[8] != ' ') return false;
  if (line.size() > 12 && line[12] != ' ') return false;
  if (!parse_number(line.substr(9, 3), 10, status) || status < 100) return false;
  status_ = static_cast<int>(status);
  return true;
}

bool MessageReader::check_fields() {
  return each_field(std::string_view(head_).substr(start_line_size_ + 2),
                    [](auto name, auto value) { return is_token(name) && !has_control_byte(value); });
}

bool MessageReader::choose_framing() {
  const std::string_view coding = field("transfer-encoding");
  const std::string_view length = field("content-length");
  const std::size_t codings = count_fields("transfer-encoding");
  const std::size_t lengths = count_fields("content-length");
  if (codings + lengths > 1) return false;
  if (codings == 1 && !equal_without_case(coding, "chunked")) return false;
  if (lengths == 1 && !parse_number(length, 10, remaining_)) return false;
  const bool never = kind_ == Kind::response && (bodiless_ || status_ == 204 || status_ == 304);
  const bool none_given = codings + lengths == 0;
  if (never || (kind_ == Kind::request && none_given)) {
    state_ = State::complete;
  } else if (none_given) {
    state_ = State::until_close;
  } else {
    state_ = codings == 1 ? State::chunk_size : State::fixed;
  }
  return true;
}

std::string_view MessageReader::method() const {
  return std::string_view(head_).substr(0, head_.find(' '));
}

std::string_view MessageReader::target() const {
  const std::string_view line = std::string_view(head_).substr(0, start_line_size_);
  const std::size_t begin = line.find(' ') + 1;
  const std::size_t end = line.rfind(' ');
  return end <= begin ? std::string_view{} : line.substr(begin, end - begin);
}

std::string_view MessageReader::field(std::string_view name) const {
  std::string_view found;
  each_field(std::string_view(head_).substr(start_line_size_ + 2), [&](auto key, auto value) {
    if (!equal_without_case(key, name)) return true;
    found = value;
    return false;
  });
  return found;
}

std::size_t MessageReader::count_fields(std::string_view name) const {
  std::size_t count = 0;
  each_field(std::string_view(head_).substr(start_line_size_ + 2), [&](auto key, auto) {
    if (equal_without_case(key, name)) ++count;
    return true;
  });
  return count;
}

bool MessageReader::keep_alive() const {
  if (state_ == State::until_close) return false;
  const std::string_view line = std::string_view(head_).substr(0, start_line_size_);
  const bool version_1_0 = kind_ == Kind::response ? line.starts_with("HTTP/1.0") : line.ends_with("HTTP/1.0");
  const std::string_view connection = field("connection");
  return version_1_0 ? equal_without_case(connection, "keep-alive") : !equal_without_case(connection, "close");
}

MessageReader::Step MessageReader::fail(std::string message) {
  error_ = std::move(message);
  state_ = State::failed;
  return Step{Event::failed, 0, {}};
}

}  // namespace banyan::load
