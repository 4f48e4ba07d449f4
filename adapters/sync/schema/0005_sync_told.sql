-- What the process that works on a stream says of it, for others to show. Apart from stream_state, whose row a commit
-- holds locked: telling waits for nothing.

CREATE TABLE banyan.stream_told (
  stream       smallint PRIMARY KEY REFERENCES banyan.stream (id),
  process      text NOT NULL,
  told_at      timestamptz NOT NULL,
  trouble      text NOT NULL,    -- empty: all is well
  is_refused   boolean NOT NULL, -- the legacy system refuses the credentials
  caught_up_at timestamptz,      -- when the feed was last read to its end, whichever process did; NULL: never
  near_misses  bigint NOT NULL,
  scan_rate    double precision NOT NULL,
  schema_drift text[] NOT NULL
) WITH (fillfactor = 50);
