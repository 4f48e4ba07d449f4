# How fast sync is: backfill beside COPY, verify, runs over unchanged records, live changes. A PostgreSQL of its own.
add_executable(sync_bench EXCLUDE_FROM_ALL ${CMAKE_CURRENT_LIST_DIR}/sync_bench.cpp
               ${CMAKE_CURRENT_LIST_DIR}/sync_bench_source.cpp)
target_link_libraries(sync_bench PRIVATE banyan_flags banyan_adapters_sync)
