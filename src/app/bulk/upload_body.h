// The body of an upload: a form around a file that is read while it is sent.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/byte_source.h"
#include "api/gzip_source.h"
#include "app/bulk/arguments.h"
#include "app/bulk/interrupt.h"

namespace fealty::app::bulk {

// The file to upload, or standard input. A plain file can be sent again from its start, and must stay as it is meanwhile: one
// that grows or changes while it is read throws CommandError before its last byte is given out, so that no half-written file is
// ever applied. A pipe is waited for when it is opened, so that no request is begun before there is something to send.
// Throws Interrupted.
class InputFile final : public api::ByteSource {
 public:
  InputFile(std::string const& path, Interrupt const& interrupt);
  ~InputFile() override;
  InputFile(InputFile const&) = delete;
  InputFile& operator=(InputFile const&) = delete;

  std::string const& name() const { return name_; }  // what the server is told
  std::optional<std::int64_t> bytes() const;         // nothing for pipes
  std::int64_t given() const { return given_; }      // since the start
  // To the start again. False when bytes of a pipe have been given out already: they are gone.
  bool rewind();
  std::size_t read(std::span<char> into) override;

 private:
  std::size_t read_file(std::span<char> into);
  std::size_t read_pipe(std::span<char> into);

  Interrupt const& interrupt_;
  std::string path_, name_;
  int descriptor_ = -1;
  bool own_ = true, plain_ = false;
  std::int64_t start_ = 0, size_ = 0, given_ = 0;
  std::int64_t changed_s_ = 0, changed_ns_ = 0;
  std::string first_;  // of a pipe: what came while it was waited for
  bool first_given_ = false, pipe_ended_ = false;
};

using FormFields = std::vector<std::pair<std::string, std::string>>;

// multipart/form-data with the fields and then the file as `data`, packed if wanted. For one attempt.
class UploadBody {
 public:
  UploadBody(InputFile& file, FormFields const& fields, bool gzip);
  std::string content_type() const;
  std::optional<std::int64_t> bytes() const;  // as sent, if that is known beforehand
  std::size_t read(std::span<char> into);

 private:
  // Head, file, tail.
  class Form final : public api::ByteSource {
   public:
    Form(InputFile& file, std::string head, std::string tail) : file_(file), head_(std::move(head)), tail_(std::move(tail)) {}
    std::size_t read(std::span<char> into) override;
    std::size_t around_bytes() const { return head_.size() + tail_.size(); }

   private:
    static std::size_t take(std::string const& text, std::size_t& at, std::span<char> into);
    InputFile& file_;
    std::string head_, tail_;
    std::size_t head_at_ = 0, tail_at_ = 0;
    bool file_ended_ = false;
  };
  static std::string head_of(InputFile const& file, FormFields const& fields, std::string const& boundary);

  std::string boundary_;
  std::optional<std::int64_t> file_bytes_;
  Form form_;
  std::unique_ptr<api::GzipSource> packed_;
};

}  // namespace fealty::app::bulk
