# What recognising a request costs with 10, 1,000 and 10,000 functions.
find_package(benchmark REQUIRED)
add_executable(catalog_bench ${CMAKE_CURRENT_LIST_DIR}/catalog_bench.cpp)
target_link_libraries(catalog_bench PRIVATE banyan_flags banyan_migration_catalog benchmark::benchmark_main)
