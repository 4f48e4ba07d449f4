// provision(): the roles, rights and the schema of one database, made by a superuser.
#pragma once

#include <functional>
#include <string>

#include "gateway/base/result.hpp"
#include "gateway/base/secret.hpp"

namespace banyan::store {

// Makes banyan_owner, banyan_app, the database and its empty schema `banyan`, where they are missing; gives them
// exactly the rights that docs/reference/store.md lists. Harmless when repeated. `superuser_url` names a connection
// string for the superuser and a database. Error: unavailable, internal.
Result<void> provision(const std::function<Secret(const std::string& database)>& superuser_url,
                       const std::string& database);

// Ends every session of the two roles: those of a Banyan that is gone. Waits up to 10 s for each.
Result<void> end_sessions(const Secret& superuser_url);

}  // namespace banyan::store
