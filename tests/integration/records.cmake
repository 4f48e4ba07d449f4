# adapters/records on a real PostgreSQL.
banyan_database_test(records_database
  SOURCES
    records_hash_test.cpp
    records_store_test.cpp
    records_writer_test.cpp
  KNOWS adapters/records
)
