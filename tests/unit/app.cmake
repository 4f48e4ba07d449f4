# Unit tests of this module.
banyan_unit_test(app_tests
  SOURCES
    app_reference_manual_test.cpp
    app_settings_test.cpp
    app_sync_run_test.cpp
    app_sync_text_test.cpp
  KNOWS gateway/app
)
target_compile_definitions(app_tests PRIVATE BANYAN_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
