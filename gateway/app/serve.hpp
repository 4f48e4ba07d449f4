// serve(): runs Banyan until it is told to stop.
#pragma once

#include "gateway/app/settings.hpp"

namespace banyan::app {

// Opens the listeners, carries traffic, and returns when SIGTERM or SIGINT has been answered by draining. Returns an
// exit code of cli.hpp: kDone after a clean stop, kFailed if something could not be opened.
int serve(Settings settings);

}  // namespace banyan::app
