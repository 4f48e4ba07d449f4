add_test(NAME integration.command_line COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/cli_test.py $<TARGET_FILE:banyan>)
set_tests_properties(integration.command_line PROPERTIES LABELS integration TIMEOUT 900)
add_test(NAME integration.config_faults
  COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/config_faults_test.py $<TARGET_FILE:banyan>)
set_tests_properties(integration.config_faults PROPERTIES LABELS integration TIMEOUT 1800)
