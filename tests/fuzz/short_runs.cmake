# A short run of every fuzzer as a ctest test. A source file with a libFuzzer entry point is a fuzzer: <stem>.cpp becomes
# the program fuzz_<stem> of the fuzz preset.
set(BANYAN_FUZZ_BINARIES ${PROJECT_SOURCE_DIR}/build/fuzz CACHE PATH "Where the fuzz preset leaves its programs")
set(BANYAN_FUZZ_SECONDS 8 CACHE STRING "Length of the short run of each fuzzer")
file(GLOB fuzz_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*.cpp)
foreach(source IN LISTS fuzz_sources)
  file(STRINGS ${source} entry_point REGEX "LLVMFuzzerTestOneInput" LIMIT_COUNT 1)
  if(entry_point)
    get_filename_component(stem ${source} NAME_WE)
    add_test(NAME fuzz.${stem}
      COMMAND ${CMAKE_CURRENT_LIST_DIR}/run_short.py --binaries ${BANYAN_FUZZ_BINARIES}
        --seconds ${BANYAN_FUZZ_SECONDS} fuzz_${stem})
    set_tests_properties(fuzz.${stem} PROPERTIES LABELS fuzz TIMEOUT 180)
  endif()
endforeach()
