# gateway/store on a real PostgreSQL.
banyan_database_test(store_database_tests
  SOURCES store_database_test.cpp store_indexes_test.cpp store_listener_test.cpp
  KNOWS gateway/store
)
banyan_database_test(store_schema_tests
  SOURCES store_schema_test.cpp
  KNOWS gateway/store
)
banyan_schema_files(store_schema_tests NAMESPACE banyan::test FUNCTION example_schema
  FILES store_schema/0001_example.sql store_schema/0002_example_note.sql)
add_executable(store_holder store_holder.cpp)
target_link_libraries(store_holder PRIVATE banyan_flags banyan_gateway_store)
banyan_database_test(store_private_postgres_tests
  SOURCES store_private_postgres_test.cpp
  KNOWS gateway/store
)
target_compile_definitions(store_private_postgres_tests PRIVATE BANYAN_STORE_HOLDER="$<TARGET_FILE:store_holder>")
add_dependencies(store_private_postgres_tests store_holder)
add_test(NAME integration.store_backup
  COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/store_backup.py --holder $<TARGET_FILE:store_holder>)
set_tests_properties(integration.store_backup PROPERTIES LABELS integration TIMEOUT 1800)
