-- The last finished dry run of a backfill, with what would not map.

CREATE TABLE banyan.dry_run_result (
  stream  smallint PRIMARY KEY REFERENCES banyan.stream (id),
  started timestamptz NOT NULL,
  ended   timestamptz NOT NULL,
  scanned bigint NOT NULL CHECK (scanned >= 0),
  report  jsonb NOT NULL
);
