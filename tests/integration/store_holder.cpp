// A stand-in for Banyan that a test kills: starts the private PostgreSQL of a directory, writes a row, leaves a
// statement running, says so, and waits for its end.
#include <unistd.h>

#include <cstdio>
#include <latch>
#include <memory>
#include <string_view>
#include <thread>

#include "gateway/store/database.hpp"
#include "gateway/store/private_postgres.hpp"

namespace {

constexpr const char* kTable = "CREATE TABLE banyan.note (text text); INSERT INTO banyan.note VALUES ('kept')";
constexpr const char* kEndless = "SELECT pg_advisory_xact_lock(1), pg_sleep(600)";

banyan::Result<std::unique_ptr<banyan::store::PrivatePostgres>> start(const char* data_dir,
                                                                      const banyan::Clock& clock) {
  banyan::store::PrivatePostgresOptions options;
  options.data_dir = data_dir;
  options.settings = {{"fsync", "off"}};
  auto postgres = banyan::store::PrivatePostgres::start(options, clock);
  if (!postgres) std::fprintf(stderr, "%s\n", postgres.error().public_message.c_str());
  return postgres;
}

int serve(const char* data_dir) {
  const banyan::SystemClock clock;
  auto postgres = start(data_dir, clock);
  if (!postgres) return 1;
  std::printf("%s\n%s\n", (*postgres)->owner_url().reveal().c_str(), (*postgres)->app_url().reveal().c_str());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  return (*postgres)->stop() ? 0 : 1;
}

int hold(const char* data_dir) {
  const banyan::SystemClock clock;
  auto postgres = start(data_dir, clock);
  if (!postgres) return 1;
  banyan::store::DatabaseOptions owner;
  owner.url = (*postgres)->owner_url();
  banyan::store::Database database(owner, clock);
  const auto made = database.run({}, [](banyan::store::Transaction& tx) { tx.exec(kTable); });
  std::latch running(1);
  std::thread endless([&] {
    static_cast<void>(database.run({}, [&](banyan::store::Transaction& tx) {
      tx.exec("SELECT 1");
      running.count_down();
      tx.exec(kEndless);
    }));
  });
  running.wait();
  std::printf("%s\n", made ? "ready" : "failed");
  std::fflush(stdout);
  for (;;) ::pause();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[2]) == "serve") return serve(argv[1]);
  return argc == 2 ? hold(argv[1]) : 2;
}
