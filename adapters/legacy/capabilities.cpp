#include "adapters/legacy/capabilities.hpp"

#include <array>
#include <cstdio>
#include <string_view>

namespace banyan::legacy {
namespace {

std::string_view of_feed(Feed feed) {
  switch (feed) {
    case Feed::poll:
      return "Changes are found by asking for what was written since the last look.";
    case Feed::log:
      return "Changes are read from a log of the system: each one is seen, also several to one record.";
    case Feed::scan_only:
      return "Changes are found only by reading every record again: this system has no list of changes, so a change "
             "takes as long as a whole pass to arrive.";
  }
  return {};
}

std::string_view of_ordering(Ordering ordering) {
  switch (ordering) {
    case Ordering::commit:
      return "No change can appear behind the place that was read up to: this system orders changes by commit.";
    case Ordering::stamp:
      return "A change can appear behind the place that was read up to, because a stamp may be older than its commit. "
             "Each look goes back a stretch as long as changes come, then one in a while does, and a pass over all "
             "records finds what came later still.";
  }
  return {};
}

std::string_view of_deletes(DeleteVisibility deletes) {
  switch (deletes) {
    case DeleteVisibility::in_feed:
      return "A delete is seen like any other change.";
    case DeleteVisibility::history:
      return "A delete is seen at the next reading of the system's list of deletes.";
    case DeleteVisibility::sweep_only:
      return "A delete made by staff is noticed when a pass over all records misses it, or at once if it went through "
             "the "
             "gateway: this system keeps no list of deletes.";
  }
  return {};
}

std::string_view of_compare_and_set(CompareAndSet compare_and_set) {
  switch (compare_and_set) {
    case CompareAndSet::version:
      return "A write of ours never overwrites an edit that we have not seen (compare-and-set).";
    case CompareAndSet::none:
      return "An edit made by staff in the few milliseconds between our read and our write of the same field can be "
             "lost: "
             "this system has no compare-and-set.";
  }
  return {};
}

std::string_view of_update(bool partial, CompareAndSet compare_and_set) {
  if (partial) return "A write of ours touches only the fields that it changes.";
  if (compare_and_set == CompareAndSet::version) {
    return "A write of ours replaces the whole record, but only if nobody has written it since we read it.";
  }
  return "A write of ours replaces the whole record: an edit made by staff to any field of it in the few milliseconds "
         "between our read and our write can be lost.";
}

std::string_view of_create(CreateIdentity identity) {
  switch (identity) {
    case CreateIdentity::chosen_id:
      return "A record is never created twice: we choose its id, and the system refuses a second one.";
    case CreateIdentity::external_key:
      return "A record is never created twice as long as nobody edits the field that holds our key: after a lost "
             "answer "
             "we look for the key before we try again.";
    case CreateIdentity::search:
      return "After a lost answer to a create we search what our user has created since and compare. A record that "
             "staff "
             "change at that very moment may not be recognised; it is then put up for review.";
  }
  return {};
}

std::string_view of_author(bool seen) {
  return seen
             ? "Who wrote a record last is known; what we wrote ourselves comes back and is recognised without reading "
               "it twice."
             : "Who wrote a record last is not known; what we wrote ourselves is recognised by its content alone.";
}

std::string_view of_merges(bool seen) {
  return seen ? "When staff merge two records, the links follow the one that stays."
              : "When staff merge two records, it looks like a delete of one and an edit of the other.";
}

std::string_view of_restore(bool possible) {
  return possible ? "A deleted record can come back under the same id, and its link comes back with it."
                  : "A deleted record does not come back: restoring it creates a new one under a new id.";
}

std::string_view of_fields(bool described) {
  return described ? "A mapped field that vanishes or changes its type is noticed, and held."
                   : "This system does not describe its fields: one that vanishes or changes its type is noticed only "
                     "by values that do not fit.";
}

std::string of_precision(std::chrono::microseconds precision) {
  if (precision <= std::chrono::microseconds(1)) return "Stamps are exact to the microsecond.";
  const bool whole_milliseconds = precision.count() % 1000 == 0;
  return "Stamps are exact to " +
         (whole_milliseconds ? std::to_string(precision.count() / 1000) + " ms"
                             : std::to_string(precision.count()) + " microseconds") +
         ": which of two edits within that time came later is not known, and counts as a conflict.";
}

std::string of_budget(const std::optional<double>& calls_per_second) {
  if (!calls_per_second) return "The system sets no limit to the number of calls.";
  std::array<char, 32> number{};
  std::snprintf(number.data(), number.size(), "%.4g", *calls_per_second);
  return std::string("At most ") + number.data() + " calls a second are made; live changes go before backfill.";
}

}  // namespace

std::vector<std::string> guarantees(const Capabilities& capabilities) {
  std::vector<std::string> sentences;
  const auto add = [&](auto&& sentence) { sentences.emplace_back(sentence); };
  add(of_feed(capabilities.feed));
  if (capabilities.feed != Feed::scan_only) add(of_ordering(capabilities.ordering));
  add(of_deletes(capabilities.deletes));
  add(of_compare_and_set(capabilities.compare_and_set));
  add(of_update(capabilities.partial_update, capabilities.compare_and_set));
  add(of_create(capabilities.create_identity));
  add(of_author(capabilities.sees_author));
  add(of_merges(capabilities.sees_merges));
  add(of_restore(capabilities.can_restore));
  add(of_fields(capabilities.describes_itself));
  if (capabilities.feed == Feed::poll) add(of_precision(capabilities.stamp_precision));
  add(of_budget(capabilities.calls_per_second));
  return sentences;
}

}  // namespace banyan::legacy
