# What the store of sync does per second beside COPY, on a PostgreSQL of its own.
add_executable(sync_store_bench EXCLUDE_FROM_ALL ${CMAKE_CURRENT_LIST_DIR}/sync_store_bench.cpp)
target_link_libraries(sync_store_bench PRIVATE banyan_flags banyan_adapters_sync)
