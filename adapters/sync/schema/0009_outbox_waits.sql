-- What waits for another record's counterpart is woken when that has come to be there.

-- The record that it waits for; NULL: it waits for time only. A delay that sets it is the one kind that changes an index.
ALTER TABLE banyan.outbox ADD COLUMN waits_for uuid;
CREATE INDEX outbox_waits ON banyan.outbox (waits_for) WHERE waits_for IS NOT NULL;
