#include "app/bulk/interrupt.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/time.h"

namespace fealty::app::bulk {
namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};
// A pipe to oneself: a signal that comes between looking and waiting still ends the wait.
int pipe_ends[2] = {-1, -1};
std::sig_atomic_t volatile raised_number = 0;

void on_signal(int number) {
  int const kept = errno;
  raised_number = number;
  // The pipe never fills up: each of the three signals is caught once.
  [[maybe_unused]] auto const written = ::write(pipe_ends[1], "!", 1);
  errno = kept;
}

}  // namespace

Interrupt::Interrupt() {
  raised_number = 0;
  if (::pipe2(pipe_ends, O_CLOEXEC | O_NONBLOCK) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
  struct sigaction action{};
  action.sa_handler = on_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigemptyset(&action.sa_mask);
  for (int i = 0; i < 3; ++i) {
    ::sigaction(kSignals[i], nullptr, &before_[i]);
    // nohup and background jobs of plain shells ignore some of them, which stays as it is.
    if (before_[i].sa_handler != SIG_IGN) ::sigaction(kSignals[i], &action, nullptr);
  }
}

Interrupt::~Interrupt() {
  for (int i = 0; i < 3; ++i) ::sigaction(kSignals[i], &before_[i], nullptr);
  ::close(pipe_ends[0]);
  ::close(pipe_ends[1]);
}

int Interrupt::signal_number() const { return raised_number; }

bool Interrupt::wait_ms(int timeout_ms) const {
  auto const end = steady_now_ms() + timeout_ms;
  for (;;) {
    auto const left = end - steady_now_ms();
    if (raised() || left <= 0) return raised();
    pollfd entry{pipe_ends[0], POLLIN, 0};
    ::poll(&entry, 1, static_cast<int>(left));
  }
}

bool Interrupt::wait_readable(int descriptor) const {
  for (;;) {
    if (raised()) return false;
    pollfd entries[] = {{descriptor, POLLIN, 0}, {pipe_ends[0], POLLIN, 0}};
    if (::poll(entries, 2, -1) < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "poll");
    if (raised()) return false;
    if (entries[0].revents != 0) return true;
  }
}

}  // namespace fealty::app::bulk
