// For builds under ThreadSanitizer alone. That of g++ 12 does not know pthread_mutex_clocklock, by which
// std::timed_mutex waits until a steady time: it would see a mutex unlocked that nobody has locked, and nothing that
// the mutex orders. So this takes the function's place, in terms of one that ThreadSanitizer knows.
#include <pthread.h>

#include <ctime>

extern "C" int pthread_mutex_clocklock(pthread_mutex_t* mutex, clockid_t clock, const timespec* until) noexcept {
  constexpr long kSecond = 1'000'000'000;
  timespec here{};
  timespec real{};
  clock_gettime(clock, &here);
  clock_gettime(CLOCK_REALTIME, &real);
  real.tv_sec += until->tv_sec - here.tv_sec;
  real.tv_nsec += until->tv_nsec - here.tv_nsec;
  if (real.tv_nsec >= kSecond) {
    real.tv_nsec -= kSecond;
    ++real.tv_sec;
  } else if (real.tv_nsec < 0) {
    real.tv_nsec += kSecond;
    --real.tv_sec;
  }
  return pthread_mutex_timedlock(mutex, &real);
}
