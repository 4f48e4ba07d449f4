# gateway/store on a real PostgreSQL.
banyan_database_test(store_database_tests
  SOURCES store_database_test.cpp store_listener_test.cpp
  KNOWS gateway/store
)
banyan_database_test(store_schema_tests
  SOURCES store_schema_test.cpp
  KNOWS gateway/store
)
banyan_schema_files(store_schema_tests NAMESPACE banyan::test FUNCTION example_schema
  FILES store_schema/0001_example.sql store_schema/0002_example_note.sql)
