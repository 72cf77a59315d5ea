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

#include "api/route.h"
#include "base/error.h"

namespace fealty::access {

// The rule of identity.md that a password breaks, as a sentence for people, or nothing. An empty username or e-mail is not
// compared.
std::optional<std::string> password_problem(std::string_view password, std::string_view username, std::string_view email);

// Whether everybody's first guesses contain it, however it is decorated with digits, signs and look-alikes.
bool is_common_password(std::string_view password);

// A hash takes 19 MiB and a core for tens of milliseconds: so many at once as there are `hashes`, and who comes when too many wait
// is told to come back. Any thread.
class PasswordHasher {
 public:
  explicit PasswordHasher(int hashes, int waiting_max = 100);
  // Does what waits.
  ~PasswordHasher();
  PasswordHasher(PasswordHasher const&) = delete;
  PasswordHasher& operator=(PasswordHasher const&) = delete;

  // These block until they are done. Inside the work of `later` they have waited already.
  Result<std::string> hash(std::string_view password);
  // Without a stored hash it works as long, and gives false: nobody learns from the time whether there is one.
  Result<bool> verify(std::string_view stored_or_empty, std::string_view password);

  using Work = std::move_only_function<void()>;  // must not throw
  // Runs the work on a thread of its own when its turn to hash has come, and returns at once: for requests that hold no thread
  // while they wait. An error, and the work untouched, when too many wait.
  Result<void> later(Work& work);

 private:
  Result<void> run(std::function<void()> const& compute);
  void compute(std::function<void()> const& compute);
  void take_turn();
  void give_turn();
  void serve();

  int const hashes_, waiting_max_;
  std::string nobody_;  // a hash of something that nobody knows
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Work> waiting_;
  int turns_ = 0;  // taken: those that hash, or are about to
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

// For Route::later: the whole handler runs behind its turn, and no request thread waits for it. With `is_meant`, only where a
// request hashes; others are answered at once.
api::LaterHandler on_hasher(PasswordHasher& hasher, api::Handler handler, std::function<bool(api::Request const&)> is_meant = {});
api::Route on_hasher(PasswordHasher& hasher, api::Route route);

}  // namespace fealty::access
