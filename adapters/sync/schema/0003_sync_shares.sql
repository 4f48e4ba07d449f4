-- Which streams a process has, so that their share can be told; matters that a policy decided, by age; the order of the
-- outbox.

ALTER TABLE banyan.process ADD COLUMN streams smallint[] NOT NULL DEFAULT '{}';

-- When a process last had the stream.
ALTER TABLE banyan.stream ADD COLUMN named_at timestamptz NOT NULL DEFAULT now();

CREATE INDEX parked_decided ON banyan.parked (changed_at)
  WHERE state IN ('resolved', 'superseded') AND answered_by = 'policy';

-- The outbox is read in the order of arrival, however long it is. When a row is due again is looked at on the way, so a
-- delay changes no index.
CREATE INDEX outbox_order ON banyan.outbox (stream, first_at, record_id);
DROP INDEX banyan.outbox_due;
