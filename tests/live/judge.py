"""The rules: when two sides are the same, when something is there twice, and when an edit has been lost. Pure."""

import collections

from journal import ITEM, tokens
from sides import LEGACY, MARKED


def differences(sides):
    """One sentence for each record that is not the same on both sides and is nobody's open matter."""
    found = []
    waiting = matters_of_people(sides)
    for entity in LEGACY:
        legacy, modern = sides.legacy[entity], sides.modern[entity]
        for legacy_id, values in legacy.items():
            record_id = sides.record_of.get((entity, legacy_id))
            if waiting & {(entity, "legacy", legacy_id), (entity, "modern", record_id)}:
                continue
            if record_id is None:
                found.append(f"{entity} {legacy_id} of Tryton has no record: {values}")
            elif record_id not in modern:
                found.append(f"{entity} {legacy_id} of Tryton is coupled with {record_id}, which is not there")
            else:
                found += _unequal(sides, entity, legacy_id, values, record_id, modern[record_id], waiting)
        for record_id, values in modern.items():
            legacy_id = sides.legacy_of.get((entity, record_id))
            if (entity, "modern", record_id) in waiting or (entity, "legacy", legacy_id) in waiting:
                continue
            if legacy_id is None:
                found.append(f"{entity} {record_id} of the store has no counterpart: {values}")
            elif legacy_id not in legacy:
                found.append(f"{entity} {record_id} of the store is coupled with {legacy_id}, which is not there")
    return found


def _unequal(sides, entity, legacy_id, values, record_id, others, waiting):
    found = []
    for field in sorted(values.keys() | others.keys()):
        ours, theirs = values.get(field), others.get(field)
        if isinstance(ours, tuple):  # a record that waits for a person has perhaps no counterpart to refer to
            if (ours[0], "legacy", ours[1]) in waiting and theirs is None:
                continue
            ours = (ours[0], sides.record_of.get(ours))
        if ours != theirs:
            found.append(f"{entity} {legacy_id} = {record_id}: {field} is {ours!r} in Tryton, {theirs!r} in the store")
    return found


def matters_of_people(sides):
    """(entity, side, id) of whatever an open matter is about, or held back by one: nobody can say yet how that ends."""
    waiting = set()
    for entity, record_id in sides.held_back:
        waiting.add((entity, "modern", record_id))
        if (entity, record_id) in sides.legacy_of:
            waiting.add((entity, "legacy", sides.legacy_of[entity, record_id]))
    for matter in sides.matters:
        if not matter.is_open:
            continue
        if matter.legacy_id:
            waiting.add((matter.entity, "legacy", matter.legacy_id))
        if matter.record_id:
            waiting.add((matter.entity, "modern", matter.record_id))
    return waiting


def is_between_people(matter, edits):
    """Whether it is about a record that somebody deleted, by itself or with its whole, while somebody else edited it."""
    marks = set(ITEM.findall(f"{matter.legacy} {matter.modern}"))
    edits = [edit for edit in edits if not edit.refused]
    concerned = marks | {edit.parent for edit in edits if edit.item in marks}
    deleted_on = {edit.side for edit in edits if edit.kind == "delete" and edit.item in concerned}
    edited_on = {edit.side for edit in edits if edit.kind != "delete" and edit.item in marks}
    return matter.error_class == "delete_edit" and any(edited_on - {side} for side in deleted_on)


def duplicates(sides):
    """Every mark belongs to one record; every couple is a couple."""
    found = []
    for side, tables in (("Tryton", sides.legacy), ("the store", sides.modern)):
        for entity, rows in items_by_mark(tables).items():
            for mark, ids in rows.items():
                if len(ids) > 1:
                    found.append(f"{entity} {mark} is there {len(ids)} times in {side}: {', '.join(sorted(ids))}")
    numbers = collections.Counter((entity, record_id) for (entity, _), record_id in sides.record_of.items())
    found += [f"{entity} {record_id} has {n} counterparts" for (entity, record_id), n in numbers.items() if n > 1]
    return found


def items_by_mark(tables):
    """entity -> mark -> ids"""
    found = {}
    for entity, field in MARKED.items():
        marks = found[entity] = collections.defaultdict(list)
        for id_, values in tables[entity].items():
            for mark in ITEM.findall(values.get(field, "")):
                marks[mark].append(id_)
    return found


def lost_edits(sides, edits):
    """One sentence for each acknowledged edit that is neither final on both sides, nor overwritten by a later one of
    the same field, nor on record as the loser of a conflict; and for each record or delete that vanished."""
    edits = [edit for edit in edits if not edit.refused]
    histories = collections.defaultdict(list)
    for edit in edits:
        histories[edit.item].append(edit)
    losers = recorded_losers(sides)
    waiting = matters_of_people(sides)
    places = {"legacy": items_by_mark(sides.legacy), "modern": items_by_mark(sides.modern)}
    found = []
    for item, history in histories.items():
        entity = history[0].entity
        ids = {side: places[side][entity].get(item, []) for side in places}
        if any((entity, side, id_) in waiting for side in ids for id_ in ids[side]) or is_parked(sides, item):
            continue
        deletes = [e for mark in (item, *_parents(history)) for e in histories.get(mark, []) if e.kind == "delete"]
        wholes_gone = {delete.item for delete in deletes if delete.item != item and not _is_there(places, delete)}
        for side, tables in (("legacy", sides.legacy), ("modern", sides.modern)):
            if not ids[side]:
                found += _lost_with_record(history, deletes, losers, side, wholes_gone)
            else:
                values = tables[entity][ids[side][0]]
                unseen = _unseen_deletes(sides, history, deletes, ids)
                found += _lost_values(history, values, losers, side, unseen)
                found += _lost_deletes(sides, history, deletes, ids, unseen)
    return sorted(set(found))


def _is_there(places, edit):
    return any(ids_of[edit.entity].get(edit.item) for ids_of in places.values())


def _parents(history):
    return {edit.parent for edit in history if edit.parent}


def is_parked(sides, item):
    """Whether an open matter holds the item's mark: its record may not be there at all."""
    return any(m.is_open and (item in str(m.legacy) or item in str(m.modern)) for m in sides.matters)


def _ends(edit):
    return float("inf") if edit.end is None else edit.end


def _lost_with_record(history, deletes, losers, side, wholes_gone):
    """The record is gone. Then somebody deleted it, and not before what was edited; or the edit, or a later one of the
    same field, is on record as the loser.

    Tryton deletes what belongs to a record along with it, whatever has become of it: so a delete of the whole on the
    modern side takes place there when it gets across, and takes along what staff have edited up to then. A part of it
    that came across meanwhile is an orphan in the store; what agents edit in that goes as well."""
    found = []
    goes_with_whole = any(delete.side == "modern" and delete.item in wholes_gone for delete in deletes)
    lost = {field: [edit for edit in history if (edit.token, field) in losers] for e in history for field in e.fields}
    for edit in history:
        if edit.end is None or edit.kind == "delete" or goes_with_whole:
            continue
        is_later = any(_ends(delete) >= edit.begin for delete in deletes)
        is_on_record = all(any(_ends(other) >= edit.begin for other in lost[field]) for field in edit.fields)
        if not is_later and not is_on_record:
            gone = f"{edit.entity} {edit.item} is not on the {side} side"
            found.append(f"{gone}, and nobody deleted it after {edit.token}")
    return found


def _unseen_deletes(sides, history, deletes, ids):
    """Those in Tryton before the moment that the record and its row were a couple.

    A create that Tryton did not answer and whose row somebody deleted before it was found leaves no trace: it is made
    again, and nobody can know of the delete, nor of what was edited in that row."""
    if not any(edit.kind == "create" and edit.side == "modern" for edit in history):
        return []
    coupled = [sides.coupled_at.get((history[0].entity, record_id), 0) for record_id in ids["modern"]]
    known = [delete for delete in deletes if delete.side == "legacy" and delete.end is not None]
    return [delete for delete in known if any(at > delete.end for at in coupled)]


def _lost_deletes(sides, history, deletes, ids, unseen):
    """The record is there. Then no delete of it was acknowledged, but for one that lost against an edit."""
    found = []
    for delete in deletes:
        if delete.end is None or delete.item != history[0].item:
            continue
        decided = any(
            m.error_class == "delete_edit" and (m.record_id in ids["modern"] or m.legacy_id in ids["legacy"])
            for m in sides.matters
        )
        if not decided and delete not in unseen:
            found.append(f"{delete.entity} {delete.item} was deleted on the {delete.side} side and is still there")
    return found


def _lost_values(history, values, losers, side, unseen):
    found = []
    for field in sorted({field for edit in history for field in edit.fields}):
        edits = [edit for edit in history if field in edit.fields]
        final = set(tokens(field, values.get(field, "")))
        kept = [edit for edit in edits if edit.token in final or (edit.token, field) in losers]
        for edit in edits:
            went_with_row = edit.side == "legacy" and any(delete.end >= edit.begin for delete in unseen)
            if edit.end is None or edit in kept or went_with_row:
                continue
            if not any(_ends(other) >= edit.begin for other in kept):
                found.append(
                    f"{edit.entity} {edit.item}: {field} {edit.token}, acknowledged on the {edit.side} side, is lost "
                    f"on the {side} side, which holds {values.get(field)!r}"
                )
    return found


def recorded_losers(sides):
    """(token, field) of every value that a matter holds and that did not win."""
    losers = set()
    for matter in sides.matters:
        for side, values in (("legacy", matter.legacy), ("modern", matter.modern)):
            if not isinstance(values, dict):
                continue
            for field, value in values.items():
                answer = (matter.answer or {}).get(field, (matter.answer or {}).get("*"))
                if matter.state == "resolved" and answer == side:
                    continue  # it won
                losers.update((token, field) for token in tokens(field, value))
    return losers
