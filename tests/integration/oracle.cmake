# Smuggling oracle and streams: whole-binary tests written in Python.
function(banyan_wire_program name script binary)
  add_test(NAME integration.${name} COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/${script} --banyan ${binary})
  set_tests_properties(integration.${name} PROPERTIES LABELS integration TIMEOUT 1200)
endfunction()

banyan_wire_program(smuggling_oracle oracle/smuggling_oracle.py $<TARGET_FILE:banyan>)
add_test(NAME integration.smuggling_oracle_sees_faults COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/oracle/judge_test.py)
set_tests_properties(integration.smuggling_oracle_sees_faults PROPERTIES LABELS integration TIMEOUT 600)
# Memory and speed mean something only for the optimised binary.
banyan_wire_program(two_gib_stream proxy_two_gib_stream.py ${BANYAN_RELEASE_BINARY})
banyan_wire_program(proxy_raw_bytes proxy_raw_bytes.py $<TARGET_FILE:banyan>)
banyan_wire_program(proxy_bounds proxy_bounds.py $<TARGET_FILE:banyan>)
banyan_wire_program(proxy_canary proxy_canary.py $<TARGET_FILE:banyan>)
banyan_wire_program(proxy_desync proxy_desync.py $<TARGET_FILE:banyan>)
