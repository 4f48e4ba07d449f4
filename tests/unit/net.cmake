# Unit tests of gateway/net.
banyan_unit_test(net_http_server_tests
  SOURCES net_http_server_test.cpp
  KNOWS gateway/net
  LIBRARIES nlohmann_json::nlohmann_json
)

banyan_unit_test(net_deadline_wheel_tests
  KNOWS gateway/net
  SOURCES net_deadline_wheel_test.cpp
)

banyan_unit_test(net_handler_pool_tests
  KNOWS gateway/net
  SOURCES net_handler_pool_test.cpp
)
