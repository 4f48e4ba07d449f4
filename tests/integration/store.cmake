# gateway/store on a real PostgreSQL.
banyan_database_test(store_database_tests
  SOURCES store_database_test.cpp
  KNOWS gateway/store
)
