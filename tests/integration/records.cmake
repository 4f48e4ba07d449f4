# adapters/records on a real PostgreSQL.
banyan_database_test(records_database
  SOURCES
    records_hash_test.cpp
    records_writer_test.cpp
  KNOWS adapters/records
)
target_compile_definitions(records_database PRIVATE BANYAN_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
