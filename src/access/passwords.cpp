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

namespace {

// The hasher whose thread this is, and whether it has its turn.
thread_local PasswordHasher const* t_hasher = nullptr;
thread_local bool t_has_turn = false;

}  // namespace

// Twice as many threads as hashes: what else a piece of work does, such as waiting for storage, keeps nobody from hashing.
PasswordHasher::PasswordHasher(int hashes, int waiting_max)
    : hashes_(hashes), waiting_max_(waiting_max), nobody_(hash_password(random_bytes(16))) {
  for (int i = 0; i < 2 * hashes; ++i) threads_.emplace_back([this] { serve(); });
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
  t_hasher = this;
  for (;;) {
    Work work;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return (stopping_ && waiting_.empty()) || (!waiting_.empty() && turns_ < hashes_); });
      if (waiting_.empty()) return;
      work = std::move(waiting_.front());
      waiting_.pop_front();
      ++turns_;
    }
    t_has_turn = true;
    work();
    work = nullptr;
    if (t_has_turn) give_turn();
  }
}

void PasswordHasher::take_turn() {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [&] { return turns_ < hashes_; });
  ++turns_;
  t_has_turn = true;
}

void PasswordHasher::give_turn() {
  t_has_turn = false;
  {
    std::lock_guard const lock(mutex_);
    --turns_;
  }
  wake_.notify_all();
}

void PasswordHasher::compute(std::function<void()> const& compute) {
  if (!t_has_turn) take_turn();  // a second hash of the same piece of work
  struct Turn {
    PasswordHasher& hasher;
    ~Turn() { hasher.give_turn(); }
  } const turn{*this};
  compute();
}

Result<void> PasswordHasher::later(Work& work) {
  {
    std::lock_guard const lock(mutex_);
    if (static_cast<int>(waiting_.size()) >= waiting_max_) {
      Error error{&fealty::errors::kOverloaded, "Too many people sign in at this moment. Try again in a few seconds."};
      error.retry_after_s = 5;
      return std::unexpected(std::move(error));
    }
    waiting_.push_back(std::move(work));
  }
  wake_.notify_one();
  return {};
}

Result<void> PasswordHasher::run(std::function<void()> const& wanted) {
  if (t_hasher == this) {
    compute(wanted);
    return {};
  }
  std::packaged_task<void()> task([&] { compute(wanted); });
  auto done = task.get_future();
  Work work = [&task] { task(); };
  if (auto begun = later(work); !begun) return begun;
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

api::LaterHandler on_hasher(PasswordHasher& hasher, api::Handler handler, std::function<bool(api::Request const&)> is_meant) {
  return [&hasher, handler = std::move(handler), is_meant = std::move(is_meant)](api::Context& context, api::Request& request,
                                                                                 api::Done done) {
    if (is_meant && !is_meant(request)) return done(handler(context, request), nullptr);
    auto const shared = std::make_shared<api::Done>(std::move(done));
    PasswordHasher::Work work = [&handler, &context, &request, shared] {
      Result<api::Answer> answer;
      std::exception_ptr thrown;
      try {
        answer = handler(context, request);
      } catch (...) {
        thrown = std::current_exception();
      }
      (*shared)(std::move(answer), std::move(thrown));
    };
    if (auto begun = hasher.later(work); !begun) (*shared)(std::unexpected(std::move(begun).error()), nullptr);
  };
}

api::Route on_hasher(PasswordHasher& hasher, api::Route route) {
  route.later = on_hasher(hasher, std::exchange(route.handler, {}));
  return route;
}

}  // namespace fealty::access
