// serve(): runs Banyan until it is told to stop.
#pragma once

#include "gateway/app/settings.hpp"

namespace banyan::app {

// What this process does. Processes that share a store may share the roles.
struct Roles {
  bool proxy = true;    // the traffic
  bool control = true;  // the admin address: metrics, health, API
  bool sync = true;     // keeping records the same
};

// Opens the listeners, carries traffic, and returns when SIGTERM or SIGINT has been answered by draining. Returns an
// exit code of cli.hpp: kDone after a clean stop, kFailed if something could not be opened.
int serve(Settings settings, Roles roles);

}  // namespace banyan::app
