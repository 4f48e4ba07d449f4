"""The planted defects: (name, file, original text, what stands there instead, what it breaks).

The original is an expression; where the instead is None it is a statement, which is left out. `inside` narrows the place
to the text between two marks, for expressions that occur several times in the file.
"""

import dataclasses

GONE = """[&] {
  std::vector<Intake> gone;
  for (const std::string& one : %s) { Intake intake; intake.row.id = one; intake.row.deleted = true; intake.captured = true;
    gone.push_back(std::move(intake)); }
  return legacy::Answer<std::vector<Intake>>(std::move(gone)); }()"""


@dataclasses.dataclass
class Defect:
    name: str
    file: str
    original: str
    instead: str | None
    breaks: str
    inside: tuple | None = None


DEFECTS = [
    Defect("capture_not_counted", "absorb_ledger.cpp", "++counts.captured;", None, "a captured change is not counted"),
    Defect("waiting_forgotten", "absorb_ledger.cpp", "out_.changes.waiting.push_back(std::move(waiting));", None,
           "a change that waits for its parent is forgotten"),
    Defect("loser_not_recorded", "absorb_ledger.cpp", "out_.changes.parked.push_back(std::move(note));", None,
           "the loser of a decided conflict stands nowhere"),
    Defect("conflict_not_parked", "absorb_ledger.cpp", "park(item, std::move(matter), outcome);", None,
           "a conflict for a person is not opened", ("void Absorber::settle_conflict", "\n}")),
    Defect("dead_letter_dropped", "absorb_ledger.cpp", "park(item, std::move(matter), outcome);", None,
           "a value that does not fit is dropped without a word", ("void Absorber::settle_field_matters", "\n}")),
    Defect("repeats_in_page", "absorb.cpp", "intake.row.id",
           "std::string_view(reinterpret_cast<const char*>(&intake), sizeof(intake))",
           "a row that comes twice in one page is taken in twice", ("places.try_emplace(", ", rows.size()")),
    Defect("version_never_trusted_in_scan", "absorb.cpp", "is_scan(intake.via)", "false",
           "a scan overlooks edits that left no version", ("looks_closer =", ";")),
    Defect("drift_wipes_field", "absorb_ledger.cpp", "context_.drifted", "std::vector<std::string>{}",
           "a field that the schema lost counts as cleared", ("std::vector<std::string> Absorber::held_fields", "\n}")),
    Defect("pending_ignored", "absorb_record.cpp", "!write && old.pending", "false",
           "our own write whose answer was lost counts as an edit"),
    Defect("restore_ignored", "absorb_record.cpp", "!known.link->base", "false",
           "a restored legacy record stays deleted", ("if (!known.link->base) return restore", ";")),
    Defect("lost_tombstone", "absorb_delete.cpp", "write_record(item, RecordWrite::Kind::remove, record, record.data);",
           None, "a legacy delete does not reach the record",
           ("if (edited) note_decided", "settle(item, Outcome::applied")),
    Defect("held_merged_anyway", "absorb_record.cpp", "input.held = held;", None, "held fields are merged"),
    Defect("unowned_applied", "absorb_record.cpp", "state_.owner == Owner::modern", "false",
           "legacy edits are applied in an epoch that is not legacy's",
           ("void Absorber::absorb(Item& item)", "\n}")),
    Defect("parents_not_awaited", "absorb_coupling.cpp", "held.required && held.reason == Held::Reason::unresolved",
           "false", "a child is taken in before its parent"),
    Defect("sides_swapped", "merge.cpp", "legacy_moved ? Winner::legacy : Winner::modern",
           "legacy_moved ? Winner::modern : Winner::legacy", "an edit of one side is taken back"),
    Defect("base_not_advanced", "merge.cpp", "set_value(result.base, rule.field, legacy);", None,
           "the base stays behind after a merge", ("if (winner == Winner::nobody) return;", "Winner::legacy)")),
    Defect("base_before_confirmation", "stream_plan.cpp", "write.pending.at = now",
           "(link.base->update(write.pending.values), write.pending.at = now)", "the base is advanced before the write"),
    Defect("update_unconditional", "stream_plan.cpp", "write.pending.expected = link.legacy_version;", None,
           "an update does not say which version it expects"),
    Defect("remove_unconditional", "stream_plan.cpp", "write.pending.expected = known.link->legacy_version;", None,
           "a delete does not say which version it expects"),
    Defect("intent_not_committed", "stream_plan.cpp", "changes.intents.push_back(std::move(intent));", None,
           "a create is not noted before the call"),
    Defect("push_into_unowned", "stream_plan.cpp", "view.state().owner == Owner::legacy", "false",
           "edits are pushed in an epoch that is not modern's", ("void Stream::Impl::plan_update", "\n}")),
    Defect("failed_push_done", "stream_write.cpp", "push_delayed(changes, write.item)",
           "push_done(changes, write.item, Outcome::applied)", "a push that failed counts as done",
           ("if (!dead) {", "}")),
    Defect("find_skipped", "stream_create.cpp", "*found", "std::span<const legacy::LegacyRecord>{}",
           "an unanswered create is repeated without a look", ("settle_lost_create(view, lost, ", ", absorbed)")),
    Defect("sweep_believed", "stream_scan.cpp",
           "read(missing.ids, next.kind == ScanState::Kind::verify ? Via::verify : Via::scan, true)",
           GONE % "missing.ids",
           "what a scan did not see counts as deleted without a look"),
    Defect("held_deletes_made", "stream_scan.cpp", 'is_too_much(after.report, "gone")', "false",
           "deletes beyond the limit are not held"),
    Defect("retry_after_ignored", "stream.cpp", "parts_.budget.pause_until(retry_at_);", None,
           "the time that a system asked for is not kept"),
    Defect("held_forgotten_at_coupling", "absorb_coupling.cpp", "link.held = held_fields(item);", None,
           "what a new legacy record could not say is put over by nothing"),
    Defect("rewritten_beats_edit", "absorb_record.cpp", "overtaken ? found : sent", "sent",
           "a value that legacy made out of ours beats a later edit"),
    Defect("half_arrived_is_arrived", "absorb_record.cpp", "if (untouched) return false;", None,
           "somebody else's edit of one field counts as our unanswered write"),
    Defect("owner_change_overlooked", "stream_write.cpp", "paused_ || epoch_ != planned_epoch_", "false",
           "what was planned for one owner is sent under the next"),
    Defect("new_rows_never_ours", "absorb_coupling.cpp", "may_be_ours()", "false",
           "the result of a create that is under way becomes a record of its own", ("if (may_be_ours()) return", ";")),
    Defect("overruled_not_recorded", "absorb_record.cpp", "note_overtaken(item);", None,
           "an answer overrules what its author had not seen, and no trace of that is left"),
    Defect("answer_not_counted", "stream_people.cpp", "close_matter(changes, now, Parked::State::resolved);", None,
           "what a person's answer settles is not counted", ("if (parked.id == matter.id) return;", "\n}")),
    Defect("verify_blind", "absorb.cpp", "!equal && judged", "false", "verify finds no row that differs"),
    Defect("cycle_counts_twice", "absorb_ledger.cpp", "before->inbox_id", "0",
           "a change that waits is taken for a new one at every try", ("waiting.inbox_id = goes_on", ";")),
    Defect("policy_turned_round", "merge.cpp", "Winner::legacy", "Winner::modern",
           "the wrong side wins where the policy names one", ("case Policy::legacy:", ";")),
    Defect("person_not_asked", "merge.cpp", "Winner::nobody", "Winner::legacy",
           "what a person is to decide is decided without one", ("case Policy::review:", ";")),
    Defect("restored_not_noticed", "stream_people.cpp", "SyncStore::Look::restored_too", "SyncStore::Look::answered",
           "what was held back by a deleted record stays back when that is restored or not referred to any more"),
    Defect("empty_find_believed", "stream_create.cpp", "!lost.is_settled", "false",
           "a create that is not found at once counts as one that never arrived",
           ("it never arrived, or not yet", "return changes;")),
]
