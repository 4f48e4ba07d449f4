// A stand-in for Banyan that a test kills: starts the private PostgreSQL of a directory, writes a row, leaves a
// statement running, says so, and waits for its end.
#include <unistd.h>

#include <cstdio>
#include <latch>
#include <thread>

#include "gateway/store/database.hpp"
#include "gateway/store/private_postgres.hpp"

namespace {

constexpr const char* kTable = "CREATE TABLE banyan.note (text text); INSERT INTO banyan.note VALUES ('kept')";
constexpr const char* kEndless = "SELECT pg_advisory_xact_lock(1), pg_sleep(600)";

int hold(const char* data_dir) {
  const banyan::SystemClock clock;
  banyan::store::PrivatePostgresOptions options;
  options.data_dir = data_dir;
  options.settings = {{"fsync", "off"}};
  auto postgres = banyan::store::PrivatePostgres::start(options, clock);
  if (!postgres) {
    std::fprintf(stderr, "%s\n", postgres.error().public_message.c_str());
    return 1;
  }
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
  return argc == 2 ? hold(argv[1]) : 2;
}
