#include "gateway/base/async_log.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>
#include <utility>
#include <vector>

namespace banyan {
namespace {

class AsyncLogTest : public testing::Test {
protected:
  AsyncLogTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "banyan-log-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
  }
  ~AsyncLogTest() override { std::filesystem::remove_all(directory_); }

  std::string path(const std::string& name) const { return (directory_ / name).string(); }
  static std::string content(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }

private:
  std::filesystem::path directory_;
};

std::unique_ptr<AsyncLog> opened(const std::string& path, std::size_t queue_batches = 1024) {
  auto log = AsyncLog::open(path, queue_batches);
  EXPECT_TRUE(log) << log.error().public_message;
  return std::move(log).value();
}

TEST_F(AsyncLogTest, WritesBatchesOfOneProducerInOrder) {
  const auto log = opened(path("access.log"));

  log->write("one\ntwo\n", 2);
  log->write("three\n", 1);
  log->close();

  EXPECT_EQ(content(path("access.log")), "one\ntwo\nthree\n");
  EXPECT_EQ(log->written_lines(), 3U);
  EXPECT_EQ(log->dropped_lines(), 0U);
}

TEST_F(AsyncLogTest, AppendsToAFileThatExists) {
  std::ofstream(path("access.log")) << "before\n";

  opened(path("access.log"))->write("after\n", 1);

  EXPECT_EQ(content(path("access.log")), "before\nafter\n");
}

TEST_F(AsyncLogTest, SaysWhyAFileCannotBeOpened) {
  const auto log = AsyncLog::open(path("missing/access.log"));

  ASSERT_FALSE(log);
  EXPECT_NE(log.error().public_message.find("missing/access.log"), std::string::npos);
  EXPECT_NE(log.error().public_message.find("No such file or directory"), std::string::npos);
}

TEST_F(AsyncLogTest, GoesOnInANewFileAfterReopen) {
  const auto log = opened(path("access.log"));
  log->write("old\n", 1);
  std::filesystem::rename(path("access.log"), path("access.log.1"));

  log->reopen();
  log->write("new\n", 1);
  log->close();

  EXPECT_EQ(content(path("access.log.1")), "old\n");
  EXPECT_EQ(content(path("access.log")), "new\n");
}

TEST_F(AsyncLogTest, KeepsTheOldFileWhenThePathCannotBeReopened) {
  std::filesystem::create_directory(path("logs"));
  const auto log = opened(path("logs/access.log"));
  std::filesystem::rename(path("logs"), path("moved"));

  log->reopen();
  log->write("line\n", 1);
  log->close();

  EXPECT_EQ(content(path("moved/access.log")), "line\n");
  EXPECT_EQ(log->written_lines(), 1U);
}

TEST_F(AsyncLogTest, CountsLinesThatADiskCannotTake) {
  const auto log = opened("/dev/full");

  log->write("one\ntwo\n", 2);
  log->write("three\n", 1);
  log->close();

  EXPECT_EQ(log->written_lines(), 0U);
  EXPECT_EQ(log->dropped_lines(), 3U);
  EXPECT_EQ(log->write_errors(), 2U);
}

TEST_F(AsyncLogTest, DropsLinesAfterClose) {
  const auto log = opened(path("access.log"));
  log->close();

  log->write("late\n", 1);

  EXPECT_EQ(log->dropped_lines(), 1U);
  EXPECT_EQ(content(path("access.log")), "");
}

// A named pipe whose reader does not read stands for a disk that hangs.
TEST_F(AsyncLogTest, FullQueueDropsBatchesAndCountsTheirLines) {
  ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
  const int reader = ::open(path("pipe").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(reader, 0);
  const auto log = opened(path("pipe"), 2);
  const std::string batch = std::string(65'535, 'x') + '\n';
  constexpr std::uint64_t kBatches = 20;

  for (std::uint64_t i = 0; i < kBatches; ++i) log->write(batch, 1);
  const std::uint64_t dropped = log->dropped_lines();
  std::thread closing([&] { log->close(); });
  std::uint64_t lines_read = 0;
  std::array<char, 65'536> chunk{};
  while (lines_read < kBatches - dropped) {
    const ssize_t n = ::read(reader, chunk.data(), chunk.size());
    if (n > 0) lines_read += static_cast<std::uint64_t>(std::count(chunk.begin(), chunk.begin() + n, '\n'));
  }
  closing.join();
  ::close(reader);

  EXPECT_GE(dropped, kBatches - 5);  // the pipe holds one batch, the thread one or two, the queue two
  EXPECT_EQ(log->dropped_lines(), dropped);
  EXPECT_EQ(log->written_lines() + log->dropped_lines(), kBatches);
}

TEST_F(AsyncLogTest, EveryLineOfManyProducersIsCountedOnce) {
  constexpr std::uint64_t kProducers = 4;
  constexpr std::uint64_t kBatches = 500;
  const auto log = opened(path("access.log"), 8);
  std::vector<std::thread> producers;

  for (std::uint64_t p = 0; p < kProducers; ++p) {
    producers.emplace_back([&log] {
      for (std::uint64_t i = 0; i < kBatches; ++i) log->write("a\nb\nc\n", 3);
    });
  }
  for (std::thread& producer : producers) producer.join();
  log->close();

  EXPECT_EQ(log->written_lines() + log->dropped_lines(), kProducers * kBatches * 3);
  EXPECT_EQ(content(path("access.log")).size(), log->written_lines() * 2);
}

}  // namespace
}  // namespace banyan
