// AdminClient: the admin API as the commands of Banyan use it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/base/clock.hpp"
#include "gateway/base/result.hpp"
#include "gateway/base/secret.hpp"

namespace banyan::app {

class AdminClient {
public:
  using Json = nlohmann::json;
  using Query = std::vector<std::pair<std::string, std::string>>;  // empty values are left out

  // `url`: http://HOST:PORT, with or without a path before /api. `token` and `author` ("user:clara", for histories) may
  // be empty. `clock` must outlive the object.
  AdminClient(std::string url, Secret token, std::string author, const Clock& clock);

  // The JSON of a 2xx answer. `path` begins with /api. The message of an error is for people, in one line where the
  // server's is; invalid_argument: the server says that the request is wrong.
  Result<Json> get(const std::string& path, const Query& query = {}) const;
  Result<Json> post(const std::string& path, const Json& body) const;

  const std::string& url() const { return url_; }

private:
  Result<Json> call(const std::string& method, const std::string& target, std::string body) const;

  std::string url_;
  Secret token_;
  std::string author_;
  const Clock& clock_;
};

// The text as one segment of a path, or one value of a query (RFC 3986 section 2.1).
std::string percent_encoded(std::string_view text);

}  // namespace banyan::app
