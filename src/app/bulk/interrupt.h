// Ctrl-C as something that can be asked and waited for.
#pragma once
#include <csignal>

namespace fealty::app::bulk {

// While it lives, the first SIGINT, SIGTERM or SIGHUP is noted instead of ending the process, and a second one of the same
// ends it as usual. One at a time, made by the main thread before others start.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(Interrupt const&) = delete;
  Interrupt& operator=(Interrupt const&) = delete;

  bool raised() const { return signal_number() != 0; }
  int signal_number() const;
  // Waits for a signal, at most so long. True when there was one.
  bool wait_ms(int timeout_ms) const;
  // Waits until `descriptor` can be read or is at its end. False when a signal came first.
  bool wait_readable(int descriptor) const;

 private:
  struct sigaction before_[3];
};

}  // namespace fealty::app::bulk
