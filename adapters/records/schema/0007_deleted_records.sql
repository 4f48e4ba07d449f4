-- Tombstones are few beside live records: lists of them, and the search for parts to bring back, read them alone.
CREATE INDEX record_deleted ON banyan.record (entity, id) WHERE deleted;
