-- Dead letters about deleted records are looked at again and again: such a record may be restored.
CREATE INDEX parked_missing ON banyan.parked (stream, id)
  WHERE state = 'open' AND side = 'modern' AND error_class = 'missing_reference';
