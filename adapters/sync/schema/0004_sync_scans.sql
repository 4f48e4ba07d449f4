-- What a scan has met, a chunk at a time, and how many links it has not: before anything is concluded from that, they are
-- counted.

DROP TABLE banyan.sweep_seen;

-- Legacy ids met by the scan under way, a row for each chunk. A row without ids says that a scan has begun. UNLOGGED: a
-- crash of PostgreSQL empties it, that row included, and without it nothing is concluded from what is missing.
CREATE UNLOGGED TABLE banyan.scan_chunk (
  stream   smallint NOT NULL,
  number   bigint GENERATED ALWAYS AS IDENTITY,
  least    text COLLATE "C" NOT NULL,
  greatest text COLLATE "C" NOT NULL,
  ids      text[] COLLATE "C" NOT NULL,
  PRIMARY KEY (stream, number)
);
ALTER TABLE banyan.scan_chunk ALTER COLUMN ids SET STORAGE EXTERNAL;

ALTER TABLE banyan.stream_state
  DROP CONSTRAINT stream_state_scan_phase_check,
  ADD CONSTRAINT stream_state_scan_phase_check CHECK (scan_phase IN ('reading', 'counting', 'looking', 'absent', 'done')),
  ADD COLUMN scan_accepts_deletes boolean NOT NULL DEFAULT false;
