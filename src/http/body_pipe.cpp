#include "http/body_pipe.h"
#include <algorithm>
#include <cstring>

namespace fealty::http {

// Waking the I/O thread for a few bytes of space would make the two threads take turns; a quarter keeps both busy.
constexpr std::size_t kWorthwhileBytes = kBodyPipeBytes / 4;

BodyPipe::BodyPipe(std::optional<std::int64_t> declared_length, std::function<void()> on_reader)
    : declared_length_(declared_length), on_reader_(std::move(on_reader)) {}

std::size_t BodyPipe::read(std::span<char> into) {
  std::unique_lock lock(mutex_);
  if (!began_) {
    began_ = true;
    lock.unlock();
    on_reader_();
    lock.lock();
  }
  readable_.wait(lock, [this] { return size_ > 0 || finished_ || aborted_; });
  if (aborted_) throw *aborted_;
  std::size_t count = 0;
  while (count < into.size() && size_ > 0) {
    std::size_t piece = std::min({into.size() - count, size_, kBodyPipeBytes - begin_});
    std::memcpy(into.data() + count, ring_.get() + begin_, piece);
    begin_ = (begin_ + piece) % kBodyPipeBytes;
    size_ -= piece;
    count += piece;
  }
  bool wake = space_wanted_ && kBodyPipeBytes - size_ >= kWorthwhileBytes;
  if (wake) space_wanted_ = false;
  lock.unlock();
  if (wake) on_reader_();
  return count;
}

std::size_t BodyPipe::put(std::string_view bytes) {
  std::size_t count = 0;
  {
    std::lock_guard lock(mutex_);
    if (aborted_) return bytes.size();  // nobody will read it
    if (!ring_ && !bytes.empty()) ring_ = std::make_unique_for_overwrite<char[]>(kBodyPipeBytes);
    while (count < bytes.size() && size_ < kBodyPipeBytes) {
      std::size_t end = (begin_ + size_) % kBodyPipeBytes;
      std::size_t room = end < begin_ ? begin_ - end : kBodyPipeBytes - end;
      std::size_t piece = std::min(bytes.size() - count, room);
      std::memcpy(ring_.get() + end, bytes.data() + count, piece);
      size_ += piece;
      count += piece;
    }
  }
  if (count > 0) readable_.notify_one();
  return count;
}

bool BodyPipe::has_space() {
  std::lock_guard lock(mutex_);
  if (aborted_ || kBodyPipeBytes - size_ >= kWorthwhileBytes) return true;
  space_wanted_ = true;
  return false;
}

bool BodyPipe::reading_began() const {
  std::lock_guard lock(mutex_);
  return began_;
}

void BodyPipe::finish() {
  {
    std::lock_guard lock(mutex_);
    finished_ = true;
  }
  readable_.notify_one();
}

void BodyPipe::abort(api::BodyAborted::Why why, char const* what) {
  {
    std::lock_guard lock(mutex_);
    if (aborted_ || (finished_ && why != api::BodyAborted::Why::shutting_down)) return;
    aborted_.emplace(why, what);
    size_ = 0;
  }
  readable_.notify_one();
}

}  // namespace fealty::http
