# Unit tests of gateway/admin.
banyan_unit_test(admin_tests
  SOURCES
    admin_prometheus_test.cpp
    admin_server_test.cpp
  KNOWS gateway/admin
  LIBRARIES nlohmann_json::nlohmann_json
)
