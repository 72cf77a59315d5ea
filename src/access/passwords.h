// Passwords: what they must be, and hashing them on a bounded pool. A password is compared in Unicode normalization form C, so
// that the same keys on another keyboard give the same password.
#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/error.h"

namespace fealty::access {

// The rule of identity.md that a password breaks, as a sentence for people, or nothing. An empty username or e-mail is not
// compared.
std::optional<std::string> password_problem(std::string_view password, std::string_view username, std::string_view email);

// Whether everybody's first guesses contain it, however it is decorated with digits, signs and look-alikes.
bool is_common_password(std::string_view password);

// A hash takes 19 MiB and a core for tens of milliseconds: so many at once as there are threads, and who comes when too many
// wait is told to come back. Any thread may call; a call blocks until it is done.
class PasswordHasher {
 public:
  explicit PasswordHasher(int threads, int waiting_max = 100);
  ~PasswordHasher();
  PasswordHasher(PasswordHasher const&) = delete;
  PasswordHasher& operator=(PasswordHasher const&) = delete;

  Result<std::string> hash(std::string_view password);
  // Without a stored hash it works as long, and gives false: nobody learns from the time whether there is one.
  Result<bool> verify(std::string_view stored_or_empty, std::string_view password);

 private:
  Result<void> run(std::function<void()> work);
  void serve();

  int const waiting_max_;
  std::string nobody_;  // a hash of something that nobody knows
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> waiting_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace fealty::access
