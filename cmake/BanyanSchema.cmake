# banyan_schema_files(<target> NAMESPACE <namespace> FUNCTION <name> FILES <NNNN_name.sql> ...)
#
# Embeds SQL files into a target and generates `std::span<const banyan::store::SchemaFile> <namespace>::<name>()`, in
# order of their numbers. Declare the function in a header of the module and include gateway/store/schema.hpp there:
#
#   banyan_schema_files(banyan_adapters_records NAMESPACE banyan::records FUNCTION records_schema
#     FILES schema/0001_record.sql schema/0002_history.sql)
function(banyan_schema_files target)
  cmake_parse_arguments(SCHEMA "" "NAMESPACE;FUNCTION" "FILES" ${ARGN})
  if(SCHEMA_UNPARSED_ARGUMENTS OR NOT SCHEMA_NAMESPACE OR NOT SCHEMA_FUNCTION OR NOT SCHEMA_FILES)
    message(FATAL_ERROR "banyan_schema_files(${target}): wants NAMESPACE, FUNCTION and FILES.")
  endif()
  set(rows)
  set(last 0)
  foreach(file IN LISTS SCHEMA_FILES)
    get_filename_component(path ${file} ABSOLUTE)
    get_filename_component(name ${file} NAME)
    if(NOT name MATCHES "^([0-9][0-9][0-9][0-9])_([a-z0-9_]+)\\.sql$")
      message(FATAL_ERROR "banyan_schema_files(${target}): '${file}' is not named NNNN_name.sql.")
    endif()
    set(number ${CMAKE_MATCH_1})
    set(title ${CMAKE_MATCH_2})
    string(REGEX REPLACE "^0+" "" number ${number})
    if(number STREQUAL "" OR NOT number GREATER last)
      message(FATAL_ERROR "banyan_schema_files(${target}): '${file}' is out of order.")
    endif()
    set(last ${number})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${path})
    file(READ ${path} text)
    # Compilers limit the length of one literal to 64 KiB.
    string(LENGTH "${text}" length)
    if(length GREATER 60000)
      message(FATAL_ERROR "banyan_schema_files(${target}): '${file}' is longer than 60000 characters.")
    endif()
    string(FIND "${text}" ")schema\"" end)
    if(NOT end EQUAL -1)
      message(FATAL_ERROR "banyan_schema_files(${target}): '${file}' holds the end mark of the literal.")
    endif()
    string(APPEND rows "    {${number}, \"${title}\", R\"schema(${text})schema\"},\n")
  endforeach()
  string(CONCAT source
    "// Generated from the module's schema files.\n"
    "#include <span>\n\n#include \"gateway/store/schema.hpp\"\n\n"
    "namespace ${SCHEMA_NAMESPACE} {\n\n"
    "std::span<const ::banyan::store::SchemaFile> ${SCHEMA_FUNCTION}();\n\n"
    "std::span<const ::banyan::store::SchemaFile> ${SCHEMA_FUNCTION}() {\n"
    "  static constexpr ::banyan::store::SchemaFile kFiles[] = {\n${rows}  };\n"
    "  return kFiles;\n}\n\n}  // namespace ${SCHEMA_NAMESPACE}\n")
  set(generated ${CMAKE_CURRENT_BINARY_DIR}/${SCHEMA_FUNCTION}.cpp)
  file(CONFIGURE OUTPUT ${generated} CONTENT "@source@" @ONLY)
  target_sources(${target} PRIVATE ${generated})
endfunction()
