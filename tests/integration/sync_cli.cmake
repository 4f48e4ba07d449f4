add_test(NAME integration.sync_command_line
  COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/sync_cli_test.py $<TARGET_FILE:banyan>)
set_tests_properties(integration.sync_command_line PROPERTIES LABELS integration TIMEOUT 180)
