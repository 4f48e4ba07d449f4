# Fuzzers of what the catalog reads from a request, and of path templates.
foreach(part json form xml path)
  banyan_fuzz_target(fuzz_catalog_${part}
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/catalog_${part}_fuzz.cpp
    KNOWS migration/catalog)
endforeach()
