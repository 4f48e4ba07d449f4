# What mapping a record of ten fields costs, each way.
find_package(benchmark REQUIRED)
add_executable(mapping_bench ${CMAKE_CURRENT_LIST_DIR}/mapping_bench.cpp)
target_link_libraries(mapping_bench PRIVATE banyan_flags banyan_adapters_sync benchmark::benchmark_main)
