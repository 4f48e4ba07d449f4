// make_indexes(): indexes that are made while the tables are in use, however long it takes.
#pragma once

#include <cstddef>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "gateway/base/result.hpp"
#include "gateway/base/secret.hpp"

namespace banyan::store {

struct Index {
  std::string name;  // at most 63 bytes; a plain identifier
  std::string on;    // "banyan.record ((data->>'code'), id) WHERE entity = 'account'"
};

struct IndexReport {
  std::vector<std::string> made;
  struct Failure {
    std::string name;
    std::string reason;
  };
  std::vector<Failure> failed;
};

// Brings the indexes of the schema `banyan` to what is wanted: makes those that are missing, unfinished or of another
// definition, and removes those that an earlier call has made and nobody wants any more. Others are left alone. Each is
// made by CREATE INDEX CONCURRENTLY, outside of any transaction and without a limit on its time, so writes go on; one
// that fails is taken away again, and the next one follows.
//
// `url`: of the owner of the tables, and not through a pooler: the call needs a session of its own. Blocks; a stop ends
// it within moments, and what was under way is left unfinished for the next call. Errors: conflict, another process is
// doing it; unavailable: stopped, or the connection is lost; invalid_argument, the URL is none.
Result<IndexReport> make_indexes(const Secret& url, std::span<const Index> wanted, const std::stop_token& stop);

}  // namespace banyan::store
