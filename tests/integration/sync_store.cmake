# The store of sync on a real PostgreSQL.
banyan_database_test(sync_store_tests
  SOURCES
    sync_store_contract_test.cpp
    sync_store_faults_test.cpp
    sync_store_queries_test.cpp
  KNOWS adapters/sync
)
banyan_database_test(sync_api
  SOURCES sync_api_test.cpp
  KNOWS gateway/api
)
banyan_database_test(sync_stream
  SOURCES
    sync_missing_test.cpp
    sync_runner_test.cpp
    sync_stream_test.cpp
    sync_tables_test.cpp
  KNOWS adapters/sync
)
banyan_database_test(sync_hints
  SOURCES store_role_test.cpp sync_hints_test.cpp
  KNOWS gateway/app
)
