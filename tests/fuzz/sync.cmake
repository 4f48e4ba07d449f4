# Fuzzers of what the sync reads: records and mapping files, answers and descriptions of REST systems.
banyan_fuzz_target(fuzz_mapping SOURCES ${CMAKE_CURRENT_LIST_DIR}/mapping_fuzz.cpp KNOWS adapters/sync)
banyan_fuzz_target(fuzz_rest_answers SOURCES ${CMAKE_CURRENT_LIST_DIR}/rest_answers_fuzz.cpp
  KNOWS adapters/legacy/rest)
