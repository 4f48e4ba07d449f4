-- Sync: what is coupled with what, what was captured, what waits. docs/reference/sync-schema.md explains each table.
--
-- Texts of the legacy side (ids, cursors) compare by bytes: COLLATE "C". Rows of one stream are written by the holder of
-- its lease alone, but for answers, pauses and owners, which people give, and wake-ups, which other streams give.

-- Who works on a stream. The token rises with each new holder.
CREATE TABLE banyan.lease (
  stream     smallint PRIMARY KEY REFERENCES banyan.stream (id),
  token      bigint NOT NULL CHECK (token >= 1),
  owner      text NOT NULL,  -- empty: given back
  expires_at timestamptz NOT NULL
);

-- Processes that work on streams, as long as they say so.
CREATE TABLE banyan.process (
  owner       text PRIMARY KEY,
  alive_until timestamptz NOT NULL
);

CREATE TABLE banyan.stream_state (
  stream        smallint PRIMARY KEY REFERENCES banyan.stream (id),
  owner         text NOT NULL DEFAULT 'both' CHECK (owner IN ('both', 'legacy', 'modern')),
  epoch         bigint NOT NULL DEFAULT 1 CHECK (epoch >= 1),
  paused        boolean NOT NULL DEFAULT false,
  pause_reason  text NOT NULL DEFAULT '',
  cursor_stamp  text NOT NULL DEFAULT '',
  cursor_id     text NOT NULL DEFAULT '',
  overlap_ms    bigint NOT NULL DEFAULT 0 CHECK (overlap_ms >= 0),
  deletes_since text NOT NULL DEFAULT '',
  scan_kind     text NOT NULL DEFAULT 'none' CHECK (scan_kind IN ('none', 'backfill', 'sweep', 'verify')),
  scan_phase    text NOT NULL DEFAULT 'reading' CHECK (scan_phase IN ('reading', 'absent', 'done')),
  scan_position text NOT NULL DEFAULT '',
  scan_dry_run  boolean NOT NULL DEFAULT false,
  scan_repair   boolean NOT NULL DEFAULT false,
  scan_started  timestamptz NOT NULL DEFAULT 'epoch',
  scan_ended    timestamptz NOT NULL DEFAULT 'epoch',
  scanned       bigint NOT NULL DEFAULT 0 CHECK (scanned >= 0),
  differences   bigint NOT NULL DEFAULT 0 CHECK (differences >= 0),
  repaired      bigint NOT NULL DEFAULT 0 CHECK (repaired >= 0),
  report        jsonb NOT NULL DEFAULT '{}',
  backfilled_at timestamptz NOT NULL DEFAULT 'epoch',  -- epoch: never
  schema        jsonb NOT NULL DEFAULT '{}',
  mapping       jsonb NOT NULL DEFAULT '{}',
  -- Live records with a smaller id have a link here or are in the outbox. NULL: all have.
  unlinked_from uuid DEFAULT '00000000-0000-0000-0000-000000000000'
) WITH (fillfactor = 50);

-- Where the captured changes went since the stream began, by the side that they came from.
CREATE TABLE banyan.sync_count (
  stream      smallint NOT NULL REFERENCES banyan.stream (id),
  side        text NOT NULL CHECK (side IN ('legacy', 'modern')),
  captured    bigint NOT NULL DEFAULT 0 CHECK (captured >= 0),
  applied     bigint NOT NULL DEFAULT 0 CHECK (applied >= 0),
  superseded  bigint NOT NULL DEFAULT 0 CHECK (superseded >= 0),
  echo        bigint NOT NULL DEFAULT 0 CHECK (echo >= 0),
  conflict    bigint NOT NULL DEFAULT 0 CHECK (conflict >= 0),
  dead_letter bigint NOT NULL DEFAULT 0 CHECK (dead_letter >= 0),
  in_flight   bigint NOT NULL DEFAULT 0 CHECK (in_flight >= 0),
  PRIMARY KEY (stream, side),
  CONSTRAINT nothing_is_lost CHECK (captured = applied + superseded + echo + conflict + dead_letter + in_flight)
) WITH (fillfactor = 50);

-- The pair (legacy id, record id) with the last-agreed base.
CREATE TABLE banyan.link (
  stream         smallint NOT NULL,
  legacy_id      text COLLATE "C" NOT NULL CHECK (legacy_id <> ''),
  record_id      uuid NOT NULL,
  base_hash      bigint NOT NULL,
  record_hash    bigint NOT NULL,
  created_at     timestamptz NOT NULL DEFAULT now(),
  legacy_stamp   timestamptz,
  writes_since   timestamptz NOT NULL DEFAULT 'epoch',
  writes         integer NOT NULL DEFAULT 0 CHECK (writes >= 0),
  near_misses    integer NOT NULL DEFAULT 0 CHECK (near_misses >= 0),
  quiet          boolean GENERATED ALWAYS AS (base IS NOT NULL AND held = '{}' AND pending IS NULL) STORED,
  legacy_version text NOT NULL DEFAULT '',
  held           text[] NOT NULL DEFAULT '{}',
  base           jsonb CHECK (jsonb_typeof(base) = 'object'),  -- NULL: the legacy record is deleted
  pending        jsonb CHECK (jsonb_typeof(pending) = 'object'),
  PRIMARY KEY (stream, legacy_id),
  UNIQUE (stream, record_id),
  CHECK (base IS NOT NULL OR base_hash = 0)
) WITH (fillfactor = 90);
CREATE INDEX link_unquiet ON banyan.link (stream, record_id) WHERE NOT quiet;

-- The log of captured legacy changes.
CREATE TABLE banyan.inbox (
  id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  stream         smallint NOT NULL,
  at             timestamptz NOT NULL DEFAULT now(),
  legacy_id      text COLLATE "C" NOT NULL,
  legacy_version text NOT NULL,
  via            text NOT NULL CHECK (via IN ('feed', 'observed', 'scan', 'retry', 'verify')),
  outcome        text NOT NULL
                 CHECK (outcome IN ('applied', 'superseded', 'echo', 'conflict', 'dead_letter', 'in_flight')),
  ref            text NOT NULL
);
CREATE INDEX inbox_in_flight ON banyan.inbox (stream, id) WHERE outcome = 'in_flight';

-- Captured changes that wait, the newest of each legacy record.
CREATE TABLE banyan.waiting (
  stream     smallint NOT NULL,
  legacy_id  text COLLATE "C" NOT NULL,
  inbox_id   bigint NOT NULL UNIQUE REFERENCES banyan.inbox (id),
  on_entity  text,
  on_id      text COLLATE "C",
  not_before timestamptz NOT NULL,
  attempt    integer NOT NULL CHECK (attempt >= 0),
  reason     text NOT NULL,
  PRIMARY KEY (stream, legacy_id),
  CHECK ((on_entity IS NULL) = (on_id IS NULL))
);
CREATE INDEX waiting_due ON banyan.waiting (stream, not_before);
CREATE INDEX waiting_on ON banyan.waiting (on_entity, on_id) WHERE on_id IS NOT NULL;

-- Matters for a person: conflicts and dead letters, and the decided ones on record.
CREATE TABLE banyan.parked (
  id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  stream         smallint NOT NULL REFERENCES banyan.stream (id),
  kind           text NOT NULL CHECK (kind IN ('conflict', 'dead_letter')),
  state          text NOT NULL CHECK (state IN ('open', 'answered', 'resolved', 'superseded')),
  side           text NOT NULL CHECK (side IN ('legacy', 'modern')),
  legacy_id      text COLLATE "C" NOT NULL,
  record_id      uuid,
  matter         text COLLATE "C" GENERATED ALWAYS AS (coalesce(record_id::text, legacy_id)) STORED,
  error_class    text NOT NULL,
  message        text NOT NULL,
  fields         text[] NOT NULL,
  base           jsonb,
  legacy         jsonb,
  modern         jsonb,
  epoch          bigint NOT NULL,
  legacy_changes bigint NOT NULL CHECK (legacy_changes >= 0),
  modern_changes bigint NOT NULL CHECK (modern_changes >= 0),
  at             timestamptz NOT NULL,
  answer         jsonb,
  answered_by    text NOT NULL DEFAULT '',
  changed_at     timestamptz NOT NULL DEFAULT now(),
  CHECK (record_id IS NOT NULL OR legacy_id <> ''),
  CHECK (state <> 'answered' OR answer IS NOT NULL)
);
CREATE UNIQUE INDEX parked_once ON banyan.parked (stream, kind, matter) WHERE state IN ('open', 'answered');
CREATE INDEX parked_legacy ON banyan.parked (stream, legacy_id) WHERE state IN ('open', 'answered') AND legacy_id <> '';
CREATE INDEX parked_answered ON banyan.parked (stream, id) WHERE state = 'answered';

-- Creates under way on the legacy side.
CREATE TABLE banyan.intent (
  stream    smallint NOT NULL,
  record_id uuid NOT NULL,
  since     timestamptz NOT NULL,
  at        timestamptz NOT NULL,
  sent      jsonb NOT NULL,
  base      jsonb NOT NULL,
  version   bigint NOT NULL CHECK (version >= 1),
  attempted boolean NOT NULL,
  PRIMARY KEY (stream, record_id)
);

-- Legacy records that were merged into others.
CREATE TABLE banyan.redirect (
  stream    smallint NOT NULL,
  legacy_id text COLLATE "C" NOT NULL,
  into_id   text COLLATE "C" NOT NULL CHECK (into_id <> ''),
  PRIMARY KEY (stream, legacy_id),
  CHECK (legacy_id <> into_id)
);

-- Legacy ids met by scans, each with the number of the last run that met it. The row with the empty id holds the number of
-- the run under way. UNLOGGED: a crash of PostgreSQL empties it, that row included, and without it nothing is concluded
-- from what is missing.
CREATE UNLOGGED TABLE banyan.sweep_seen (
  stream    smallint NOT NULL,
  legacy_id text COLLATE "C" NOT NULL,
  run       integer NOT NULL,
  PRIMARY KEY (stream, legacy_id)
) WITH (fillfactor = 80);

-- Finished verify runs.
CREATE TABLE banyan.verify_result (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  stream      smallint NOT NULL REFERENCES banyan.stream (id),
  started     timestamptz NOT NULL,
  ended       timestamptz NOT NULL,
  repair      boolean NOT NULL,
  checked     bigint NOT NULL CHECK (checked >= 0),
  differences bigint NOT NULL CHECK (differences >= 0),
  repaired    bigint NOT NULL CHECK (repaired >= 0),
  report      jsonb NOT NULL
);
CREATE INDEX verify_result_latest ON banyan.verify_result (stream, id);
