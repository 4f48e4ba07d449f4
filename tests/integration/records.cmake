# adapters/records, and the API over it, on a real PostgreSQL.
banyan_database_test(records_database
  SOURCES
    records_hash_test.cpp
    records_restore_test.cpp
    records_store_test.cpp
    records_writer_test.cpp
  KNOWS adapters/records
)
banyan_database_test(records_api
  SOURCES records_api_test.cpp
  KNOWS gateway/api
)
