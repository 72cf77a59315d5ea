// multipart/form-data (RFC 7578, RFC 2046) as a stream: the parts of a form one after another, each body read as it
// arrives, so that a file of any size passes through 64 KiB.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include "api/byte_source.h"
#include "base/limits.h"

namespace fealty::api {

// The boundary of a Content-Type "multipart/form-data; boundary=…"; nothing when it is another type or has none that is
// valid (1 to 70 characters).
std::optional<std::string> boundary_of(std::string_view content_type);

struct MultipartLimits {
  int parts_max = 64;
  std::size_t part_header_bytes_max = 8 * 1024;
  std::size_t outside_bytes_max = 64 * 1024;  // before the first boundary and after the last one
  std::int64_t bytes_max;                     // of the whole form
  // A form around a file of the largest size: as much again as all other parts may have.
  explicit MultipartLimits(Limits const& limits) : bytes_max(limits.bulk_file_bytes_max + 64 * (64 + 8) * 1024) {}
};

struct Part {
  std::string name;
  std::optional<std::string> filename;  // without folders, valid UTF-8, without control characters; for display alone
  std::string content_type;             // as sent, or empty
  ByteSource& body;                     // until the next call of next_part()
};

class MultipartReader {
 public:
  MultipartReader(ByteSource& in, std::string_view boundary, MultipartLimits limits);
  // Skips what is left of the part before. Nothing after the last part, when the form has been read to its end. Throws
  // FileProblem: invalid_form for a form that is malformed or cut off, file_too_large beyond the whole form's limit.
  std::optional<Part> next_part();

 private:
  class Body final : public ByteSource {
   public:
    explicit Body(MultipartReader& reader) : reader_(reader) {}
    std::size_t read(std::span<char> into) override;

   private:
    MultipartReader& reader_;
  };
  enum class State : std::uint8_t { outside, in_part, at_boundary, ended };
  enum class Tail : std::uint8_t { needs_more, boundary, last_boundary, text };

  std::string_view have() const { return {buffer_.get() + begin_, end_ - begin_}; }
  bool load();
  std::size_t available();
  Tail tail_of_boundary(std::size_t& length) const;
  std::string_view read_part_header();
  void skip_outside();
  void drop(std::size_t bytes) { begin_ += bytes; }

  ByteSource& in_;
  MultipartLimits limits_;
  std::string delimiter_;  // CRLF, two hyphens, the boundary
  std::unique_ptr<char[]> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  std::size_t clear_ = 0;  // bytes from begin_ on that belong to the body for certain
  std::int64_t bytes_ = 0;
  int parts_ = 0;
  State state_ = State::outside;
  Body body_{*this};
};

// The value of a text field. Longer than `bytes_max` or not UTF-8: FileProblem invalid_form_field.
std::string read_field(Part& part, std::size_t bytes_max = 64 * 1024);

}  // namespace fealty::api
