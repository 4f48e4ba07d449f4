# Unit tests of this module.
banyan_unit_test(catalog_test
  KNOWS migration/catalog
  SOURCES
    ${CMAKE_CURRENT_LIST_DIR}/catalog_decide_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/catalog_property_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/catalog_recognise_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/catalog_record_ids_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/catalog_subject_test.cpp
)
