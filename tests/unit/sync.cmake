# The pure parts of sync. The engine as a whole is tested by the simulation (tests/simulation).
banyan_unit_test(sync_tests SOURCES sync_budget_test.cpp sync_legacy_table_test.cpp sync_merge_test.cpp KNOWS adapters/sync)
