// HeadParser: Beast's parser, made to collect a flat index of views instead of building a field container. Bodies are
// taken apart by whoever relays them: chunked.hpp, or counting.
//
// A head must lie in one piece of memory that stays put until the views are no longer used.
#pragma once

// Asio 1.74 uses std::exchange without its header on g++ 12.
#include <utility>

#include <boost/beast/http/basic_parser.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/proxy/chunked.hpp"
#include "gateway/proxy/gate.hpp"
#include "gateway/proxy/message.hpp"

namespace banyan::proxy {

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

  std::size_t consumed() const { return consumed_; }
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
  std::size_t on_chunk_body_impl(std::uint64_t, string_view, error_code&) override { return 0; }
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
  std::optional<Rule> own_rule_;
  Refusal refusal_{Rule::syntax, 400, {}};
};

using RequestParser = HeadParser<true>;
using ResponseParser = HeadParser<false>;

extern template class HeadParser<true>;
extern template class HeadParser<false>;

}  // namespace banyan::proxy
