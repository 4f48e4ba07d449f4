// What an implementation of LegacySystem brings to the conformance suite (legacy_conformance.hpp).
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "adapters/legacy/legacy_system.hpp"

namespace banyan::legacy::conformance {

// What happens to one request on its way to the system.
enum class Fault {
  lost_request,  // the connection closes before the system has seen it
  lost_answer,   // the system does it, and the connection closes without an answer
  html,          // the system does it, and the answer is a page of HTML with status 200
  cut_answer,    // the system does it, and the answer breaks off in the middle
  other_json,    // the system does it, and the answer is JSON of another shape
  silence,       // nothing comes back, and nothing closes
};

// A real system with the records of one type, seen through two users. Calls of the suite are one at a time, but for
// ours().
class World {
public:
  virtual ~World() = default;

  virtual LegacySystem& ours() = 0;   // the integration user's; its page_limit must be 10
  virtual LegacySystem& staff() = 0;  // another user's; calls to it are never disturbed
  virtual std::string type() const = 0;

  // The fields of a new record that the system accepts, with `text` in text_field() and something in other_field().
  virtual Json new_record(const std::string& text) const = 0;
  virtual std::string text_field() const = 0;   // a text that holds at least 200 characters as they are
  virtual std::string other_field() const = 0;  // another field, which may be empty
  virtual Json refused_record() const = 0;      // fields of a new record that the system refuses
  virtual std::string absent_id() const = 0;    // well-formed; no record has it

  // Records that come into being under one and the same stamp, made by staff. Their ids.
  virtual std::vector<std::string> create_together(std::size_t count) = 0;

  // Whether the system knows records that are archived, and how staff archive one.
  virtual bool archives() const = 0;
  virtual void archive(const std::string& id) = 0;

  // The next request of ours() that writes (or that only reads) meets the fault.
  virtual void disturb_next_write(Fault fault) = 0;
  virtual void disturb_next_read(Fault fault) = 0;
  // Forgets a fault that no request has met: the call that was to meet it may have given up before.
  virtual void disturb_nothing() = 0;
};

}  // namespace banyan::legacy::conformance
