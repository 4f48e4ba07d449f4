banyan_fuzz_target(fuzz_gate_request SOURCES fuzz_gate_request.cpp KNOWS gateway/proxy)
banyan_fuzz_target(fuzz_gate_response SOURCES fuzz_gate_response.cpp KNOWS gateway/proxy)
