// Bytes that were received and not parsed yet, in one piece.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace fealty::http {

class InputBuffer {
 public:
  // The buffer grows to this and no further; what does not fit waits in the socket. Heads and chunk headers must fit.
  static constexpr std::size_t kBytesMax = 64 * 1024;
  static constexpr std::size_t kIdleBytes = 4 * 1024;

  explicit InputBuffer(std::size_t bytes_max = kBytesMax) : bytes_max_(std::max(bytes_max, kBytesMax)) {}

  std::string_view view() const { return {bytes_.data() + begin_, end_ - begin_}; }
  void consume(std::size_t count) {
    begin_ += count;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  bool full() const { return end_ - begin_ == bytes_max_; }

  // Room for more bytes: at least one, when the buffer is not full.
  std::span<char> prepare() {
    if (begin_ > 0) {
      std::memmove(bytes_.data(), bytes_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    // Connections that send much get large reads, those that send little stay small.
    if (end_ == bytes_.size()) bytes_.resize(std::min(bytes_max_, std::max(kIdleBytes, bytes_.size() * 4)));
    return {bytes_.data() + end_, bytes_.size() - end_};
  }
  void commit(std::size_t count) { end_ += count; }

  // Gives memory back while nothing is in it.
  void shrink() {
    if (begin_ == end_ && bytes_.size() > kIdleBytes) std::vector<char>().swap(bytes_);
  }

 private:
  std::size_t const bytes_max_;
  std::vector<char> bytes_;
  std::size_t begin_ = 0, end_ = 0;
};

}  // namespace fealty::http
