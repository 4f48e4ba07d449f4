// Listener: PostgreSQL's LISTEN on a connection and a thread of its own.
//
// A notification is a hint that something may be worth reading; what counts is in the tables. So whoever listens also
// reads after every `connected` callback: what was sent while there was no connection is lost.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "gateway/base/secret.hpp"

namespace banyan::store {

struct ListenerOptions {
  Secret url;
  std::string application_name = "banyan listener";
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds first_pause{50};  // before connecting again; doubles up to
  std::chrono::milliseconds longest_pause{5'000};
};

class Listener {
public:
  // Called on the listener's thread, one at a time; they should only wake others. What they throw is logged. None of
  // them may call stop() or destroy the listener.
  struct Callbacks {
    std::map<std::string, std::function<void(const std::string& payload)>> channels;
    // Listening has begun, for the first time or again: something may have been missed.
    std::function<void()> connected;
  };

  // Starts the thread; returns at once. What is wrong with the connection is logged, and tried again until stop().
  Listener(ListenerOptions options, Callbacks callbacks);
  ~Listener();  // stop()
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Returns when the thread has ended; no callback comes after that. Safe twice.
  void stop();

private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace banyan::store
