# Unit tests of gateway/api; those of the records API are in records.cmake.
banyan_unit_test(api_tests SOURCES api_sync_condition_test.cpp KNOWS gateway/api)
