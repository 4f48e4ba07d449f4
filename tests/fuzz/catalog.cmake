# Fuzzers of what the catalog reads from a request, of path templates and of text patterns.
foreach(part json form xml path pattern)
  banyan_fuzz_target(fuzz_catalog_${part}
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/catalog_${part}_fuzz.cpp
    KNOWS migration/catalog)
endforeach()
