// HeadParser: Beast's parser, made to collect a flat index of views instead of building a field container, and to hand
// out the data of chunked bodies where it lies.
//
// A head must lie in one piece of memory that stays put until the views are no longer used.
#pragma once

// Asio 1.74 uses std::exchange without its header on g++ 12.
#include <utility>

#include <boost/beast/http/basic_parser.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/proxy/gate.hpp"
#include "gateway/proxy/message.hpp"

namespace banyan::proxy {

struct ParseLimits {
  std::uint32_t header_bytes;
  std::uint32_t header_count;
};

enum class ParseStep : std::uint8_t { need_more, done, refused };

// One message. `Head` is RequestHead or ResponseHead.
template <bool kIsRequest>
class HeadParser final : private boost::beast::http::basic_parser<kIsRequest> {
  using Base = boost::beast::http::basic_parser<kIsRequest>;
  using string_view = boost::beast::string_view;
  using error_code = boost::beast::error_code;

public:
  using Head = std::conditional_t<kIsRequest, RequestHead, ResponseHead>;

  HeadParser(Head& head, const ParseLimits& limits);

  // Parses the head from the bytes received so far, always from its first byte. On `done`, consumed() is its length.
  ParseStep parse_head(std::string_view bytes);

  // After the head of a chunked message. Takes body bytes in order; each step yields at most one run of data. A step
  // that needs more bytes consumes nothing: call again with the same bytes and more behind them.
  ParseStep parse_chunked(std::string_view bytes);

  std::size_t consumed() const { return consumed_; }
  std::string_view data() const { return {data_.data(), data_.size()}; }
  // Trailer fields, complete once parse_chunked() is done; one "Name: value\r\n" per field that may be passed on.
  const std::string& trailers() const { return trailers_; }
  const Refusal& refusal() const { return refusal_; }

private:
  void on_request_impl(boost::beast::http::verb, string_view method, string_view target, int version,
                       error_code& ec) override;
  void on_response_impl(int status, string_view reason, int version, error_code& ec) override;
  void on_field_impl(boost::beast::http::field field, string_view name, string_view value, error_code& ec) override;
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(boost::optional<std::uint64_t> const&, error_code&) override {}
  std::size_t on_body_impl(string_view, error_code&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code&) override {
    data_ = body;
    return body.size();
  }
  void on_finish_impl(error_code&) override {}

  ParseStep find_end(std::string_view bytes);
  ParseStep refuse(error_code ec);

  Head& head_;
  ParseLimits limits_;
  std::size_t scanned_ = 0;  // no end of the head before this
  std::size_t head_bytes_ = 0;
  bool start_line_seen_ = false;
  std::size_t consumed_ = 0;
  std::uint32_t count_ = 0;
  bool in_trailers_ = false;
  std::optional<Rule> own_rule_;
  std::string_view chunk_bytes_;  // what parse_chunked() was given
  string_view data_;
  std::string trailers_;
  Refusal refusal_{Rule::syntax, 400, {}};
};

using RequestParser = HeadParser<true>;
using ResponseParser = HeadParser<false>;

extern template class HeadParser<true>;
extern template class HeadParser<false>;

}  // namespace banyan::proxy
