add_test(NAME integration.sync_command_line
  COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/sync_cli_test.py $<TARGET_FILE:banyan>)
set_tests_properties(integration.sync_command_line PROPERTIES LABELS integration TIMEOUT 1200)
add_test(NAME integration.sync_systems
  COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/sync_systems_test.py $<TARGET_FILE:banyan> $<TARGET_FILE:store_holder>)
set_tests_properties(integration.sync_systems PROPERTIES LABELS integration TIMEOUT 1800)
