-- Records: what Banyan knows of each entity, what became of it, and who must hear of it.

-- The first 64 bits of the MD5 of the text of the data; adapters/records/canonical.hpp computes the same.
CREATE FUNCTION banyan.content_hash(data jsonb) RETURNS bigint
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN ('x' || left(md5(data::text), 16))::bit(64)::bigint;

-- Who must hear of changes of an entity: one stream for each system that holds it too.
CREATE TABLE banyan.stream (
  id     smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  system text NOT NULL CHECK (system <> ''),
  entity text NOT NULL CHECK (entity <> ''),
  active boolean NOT NULL DEFAULT true,
  UNIQUE (system, entity)
);

CREATE TABLE banyan.record (
  entity      text NOT NULL CHECK (entity <> ''),
  id          uuid NOT NULL,
  version     bigint NOT NULL CHECK (version >= 1),
  data        jsonb NOT NULL CHECK (jsonb_typeof(data) = 'object'),
  hash        bigint NOT NULL GENERATED ALWAYS AS (banyan.content_hash(data)) STORED,
  deleted     boolean NOT NULL DEFAULT false,
  merged_into uuid CHECK (merged_into IS NULL OR deleted),
  created_at  timestamptz NOT NULL DEFAULT now(),
  updated_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (entity, id)
) WITH (fillfactor = 90);

-- One row for each version of each record. `changed`: {"field": {"from": …, "to": …}}, absent values left out.
CREATE TABLE banyan.record_history (
  entity  text NOT NULL,
  id      uuid NOT NULL,
  version bigint NOT NULL CHECK (version >= 1),
  at      timestamptz NOT NULL DEFAULT now(),
  side    text NOT NULL CHECK (side IN ('legacy', 'modern')),
  author  text NOT NULL,
  kind    text NOT NULL CHECK (kind IN ('insert', 'update', 'remove', 'restore')),
  changed jsonb NOT NULL CHECK (jsonb_typeof(changed) = 'object'),
  PRIMARY KEY (entity, id, version)
);

-- What a stream has not heard of yet: one row for each record, which stands for all changes since it was last heard of.
-- Whoever inserts notifies the channel banyan_outbox with the stream's id.
CREATE TABLE banyan.outbox (
  stream     smallint NOT NULL,                 -- no foreign key: it would lock the row of the stream at every change
  record_id  uuid NOT NULL,
  version    bigint NOT NULL,                   -- of the record at its last change
  changes    integer NOT NULL CHECK (changes >= 0),
  hops       integer NOT NULL CHECK (hops >= 0), -- the fewest of the changes it stands for: an edit by a person is never held up
  first_at   timestamptz NOT NULL DEFAULT now(),
  not_before timestamptz NOT NULL DEFAULT now(),
  attempt    integer NOT NULL DEFAULT 0,
  PRIMARY KEY (stream, record_id)
) WITH (fillfactor = 80);
CREATE INDEX outbox_due ON banyan.outbox (stream, not_before);
