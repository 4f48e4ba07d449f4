# Who may know whom (docs/architecture.md). One line per module: the module, then every module whose headers it may
# include. Configure fails on a link edge that is not listed here; tests/repository/dependency_table_test.py compares every
# #include in the tree with the same lines.
set(BANYAN_DEPENDENCY_TABLE
  "gateway/base:"
  "gateway/net: gateway/base"
  "gateway/store: gateway/base"
  "gateway/proxy: gateway/base gateway/net migration/catalog"
  "gateway/admin: gateway/base gateway/net"
  "gateway/api: gateway/base gateway/net gateway/store adapters/records adapters/sync"
  "gateway/app: *"
  "migration/catalog: gateway/base"
  "migration/stages: gateway/base gateway/store migration/catalog"
  "migration/shadow: gateway/base gateway/store migration/catalog"
  "migration/inventory: gateway/base gateway/store migration/catalog"
  "adapters/records: gateway/base gateway/store"
  "adapters/legacy: gateway/base adapters/records"
  "adapters/legacy/rest: gateway/base adapters/records adapters/legacy"
  "adapters/legacy/tryton: gateway/base adapters/records adapters/legacy"
  "adapters/sync: gateway/base gateway/store adapters/records adapters/legacy"
)

# External headers that stay inside the parts that need them: an include prefix, then the modules that may use it (*:
# all). The longest prefix decides. "posix" stands for the operating system's own headers (sys/..., unistd.h, ...): pure
# modules do without them.
set(BANYAN_EXTERNAL_TABLE
  "boost/beast: gateway/net gateway/proxy"
  "boost/asio: gateway/net gateway/proxy gateway/app"
  "boost: gateway/net gateway/proxy"
  "posix: gateway/base gateway/net gateway/store gateway/proxy gateway/app"
  "grp: gateway/store"
  "pwd: gateway/store"
  "pqxx: gateway/store adapters/records adapters/sync"
  "libpq-fe: gateway/store"
  "cpprest: adapters/legacy"
  "pplx: adapters/legacy"
  "openssl: gateway/net adapters/records"
  "yaml-cpp: gateway/base"
  "spdlog: gateway/base gateway/app"
  "CLI: gateway/app"
  "expat: migration/catalog"
  "xxhash: migration/catalog"
  "nlohmann: *"
  "tl: *"
)
