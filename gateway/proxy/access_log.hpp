// One JSON line per request (docs/reference/access-log.md lists the fields).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "gateway/base/clock.hpp"
#include "migration/catalog/function.hpp"

namespace banyan::proxy {

// Takes complete lines and their number; must not block. Called on io threads.
using AccessLogSink = std::function<void(std::string lines, std::uint64_t count)>;

struct AccessRecord {
  WallTime time;
  std::string_view client;
  std::string_view method;  // empty if the head could not be parsed
  std::string_view target;
  std::string_view host;
  unsigned minor_version = 1;
  std::string_view function;  // empty if refused before it was recognised
  catalog::Stage stage = catalog::Stage::legacy;
  catalog::ServedBy served_by = catalog::ServedBy::none;
  std::uint64_t subject = 0;
  int status = 0;  // 0: none was sent
  std::uint64_t request_bytes = 0;
  std::uint64_t response_bytes = 0;
  std::uint64_t duration_us = 0;
  std::uint64_t upstream_us = 0;
  std::string_view upstream;  // endpoint; empty if none was asked
  std::string_view request_id;
  std::string_view error;  // a short word; empty if all went well
};

void append_line(std::string& out, const AccessRecord& record);

}  // namespace banyan::proxy
