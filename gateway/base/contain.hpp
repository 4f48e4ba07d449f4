// contain: what a thread in the background does again and again must not end the process by an exception.
#pragma once

#include <exception>
#include <string_view>

#include "gateway/base/log.hpp"

namespace banyan {

// What `work` throws is a fault of ours: it is logged. Whether it came to its end.
template <typename Work>
bool contain(std::string_view what, const Work& work) {
  try {
    work();
    return true;
  } catch (const std::exception& error) {
    log::error("a fault was contained", {{"in", what}, {"reason", error.what()}});
    return false;
  }
}

}  // namespace banyan
