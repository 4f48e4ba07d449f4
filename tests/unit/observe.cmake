# Unit tests of what the process says about itself: logs and metrics.
banyan_unit_test(base_log_tests
  SOURCES
    base_async_log_test.cpp
    base_log_test.cpp
  KNOWS gateway/base
  LIBRARIES nlohmann_json::nlohmann_json
)
# The two sources stand alone: the test needs neither the data plane nor the settings, which gateway/app wires together.
banyan_unit_test(app_metrics_tests
  SOURCES
    app_metrics_test.cpp
    ${PROJECT_SOURCE_DIR}/gateway/app/metrics.cpp
    ${PROJECT_SOURCE_DIR}/gateway/app/process_figures.cpp
  KNOWS gateway/admin migration/catalog
)
