banyan_unit_test(unit_proxy
  KNOWS gateway/proxy
  SOURCES
    proxy_chunked_test.cpp
    proxy_gate_test.cpp
    proxy_head_parser_test.cpp
    proxy_head_writer_test.cpp
    proxy_observed_writes_test.cpp
    proxy_forwarded_test.cpp
    proxy_upstream_test.cpp
    proxy_access_log_test.cpp
)
