// A data race on purpose: tools/run-tsan runs it to see that ThreadSanitizer and its own reading of the reports work.
#include <thread>

namespace {

int counter = 0;

void count() {
  for (int i = 0; i < 1000; ++i) ++counter;
}

}  // namespace

int main() {
  std::thread other(count);
  count();
  other.join();
  return counter < 0 ? 1 : 0;
}
