#include "access/passwords.h"

#include <algorithm>
#include <future>

#include "base/password_hash.h"
#include "base/random.h"
#include "base/text.h"

namespace fealty::access {
namespace {

constexpr std::size_t kCharactersMin = 8, kCharactersMax = 128;

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

}  // namespace

std::optional<std::string> password_problem(std::string_view password, std::string_view username, std::string_view email) {
  if (!is_valid_utf8(password) || has_control_characters(password, false)) return "A password is text without control characters.";
  auto const characters = code_points(to_nfc(password));
  if (characters < kCharactersMin || characters > kCharactersMax)
    return "A password has 8 to 128 characters; this has " + std::to_string(characters) + ".";
  if (std::all_of(password.begin(), password.end(), is_letter_or_digit))
    return "A password has at least one special character, such as ! or -.";
  auto const folded = fold_case(password);
  if (!username.empty() && folded == fold_case(username)) return "A password must not be the username.";
  if (!email.empty() && folded == fold_case(trim_space(email))) return "A password must not be the e-mail address.";
  if (is_common_password(password)) return "This password is among those that are guessed first. Choose another one.";
  return std::nullopt;
}

PasswordHasher::PasswordHasher(int threads, int waiting_max) : waiting_max_(waiting_max), nobody_(hash_password(random_bytes(16))) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { serve(); });
}

PasswordHasher::~PasswordHasher() {
  {
    std::lock_guard const lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void PasswordHasher::serve() {
  for (;;) {
    std::function<void()> work;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      work = std::move(waiting_.front());
      waiting_.pop_front();
    }
    work();
  }
}

Result<void> PasswordHasher::run(std::function<void()> work) {
  std::packaged_task<void()> task(std::move(work));
  auto done = task.get_future();
  {
    std::lock_guard const lock(mutex_);
    if (static_cast<int>(waiting_.size()) >= waiting_max_) {
      Error error{&fealty::errors::kOverloaded, "Too many people sign in at this moment. Try again in a few seconds."};
      error.retry_after_s = 5;
      return std::unexpected(std::move(error));
    }
    waiting_.emplace_back([&task] { task(); });
  }
  wake_.notify_one();
  done.get();
  return {};
}

Result<std::string> PasswordHasher::hash(std::string_view password) {
  std::string out;
  auto const text = to_nfc(password);
  if (auto ran = run([&] { out = hash_password(text); }); !ran) return std::unexpected(std::move(ran).error());
  return out;
}

Result<bool> PasswordHasher::verify(std::string_view stored, std::string_view password) {
  bool right = false;
  // What is longer than any password is compared to nothing in particular: its length must not be work.
  auto const text = is_valid_utf8(password) && code_points(password) <= kCharactersMax ? to_nfc(password) : std::string();
  std::string const known = stored.empty() ? nobody_ : std::string(stored);
  if (auto ran = run([&] { right = verify_password(known, text); }); !ran) return std::unexpected(std::move(ran).error());
  return right && !stored.empty();
}

}  // namespace fealty::access
