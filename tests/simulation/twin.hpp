// Twin: a second store beside the MemoryStore that does everything it does. The engine works on both.
#pragma once

#include <functional>
#include <memory>

#include "tests/simulation/memory_store.hpp"

namespace banyan::simulation {

class Twin : public sync::SyncStore, public Listener {
public:
  // All rows against those of the memory. Throws Violation.
  virtual void compare() = 0;
};

// `memory` and `clock`, the time of the store, outlive what is made.
using TwinFactory = std::function<std::unique_ptr<Twin>(MemoryStore& memory, const Clock& clock)>;

}  // namespace banyan::simulation
