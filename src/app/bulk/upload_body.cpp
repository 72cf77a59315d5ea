#include "app/bulk/upload_body.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/random.h"
#include "base/text.h"

namespace fealty::app::bulk {
namespace {

constexpr std::size_t kPieceBytes = 64 * 1024;

[[noreturn]] void wrong(std::string const& text) { throw CommandError(Exit::usage, text); }

}  // namespace

InputFile::InputFile(std::string const& path, Interrupt const& interrupt) : interrupt_(interrupt), path_(printable(path)) {
  own_ = path != "-";
  descriptor_ = own_ ? ::open(path.c_str(), O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
  if (descriptor_ < 0) wrong(path_ + " cannot be opened: " + std::strerror(errno) + ".");
  if (!own_) path_ = "standard input";
  try {
    struct stat about{};
    if (::fstat(descriptor_, &about) != 0) wrong(path_ + " cannot be looked at: " + std::strerror(errno) + ".");
    if (S_ISDIR(about.st_mode)) wrong(path_ + " is a folder; name a CSV file.");
    name_ = own_ ? path.substr(path.rfind('/') + 1) : "stdin.csv";
    if (!is_valid_utf8(name_) || has_control_characters(name_, false)) name_ = "file.csv";
    plain_ = S_ISREG(about.st_mode);
    if (plain_) {
      // Standard input may stand in the middle of a file that a shell has opened.
      start_ = own_ ? 0 : std::max<std::int64_t>(::lseek(descriptor_, 0, SEEK_CUR), 0);
      size_ = std::max<std::int64_t>(about.st_size - start_, 0);
      changed_s_ = about.st_mtim.tv_sec;
      changed_ns_ = about.st_mtim.tv_nsec;
    } else {
      std::string piece(kPieceBytes, '\0');
      piece.resize(read_pipe(piece));
      first_ = std::move(piece);
    }
  } catch (...) {
    if (own_) ::close(descriptor_);
    throw;
  }
}

InputFile::~InputFile() {
  if (own_) ::close(descriptor_);
}

std::optional<std::int64_t> InputFile::bytes() const { return plain_ ? std::optional(size_) : std::nullopt; }

bool InputFile::rewind() {
  if (!plain_ && first_given_) return false;
  given_ = 0;
  return true;
}

std::size_t InputFile::read(std::span<char> into) {
  std::size_t n = 0;
  if (plain_) {
    n = read_file(into);
  } else if (!first_.empty()) {
    first_given_ = true;
    n = std::min(into.size(), first_.size());
    std::memcpy(into.data(), first_.data(), n);
    first_.erase(0, n);
  } else {
    n = read_pipe(into);
  }
  given_ += static_cast<std::int64_t>(n);
  return n;
}

std::size_t InputFile::read_file(std::span<char> into) {
  if (interrupt_.raised()) throw Interrupted();
  std::int64_t const left = size_ - given_;
  std::size_t n = 0;
  if (left > 0) {
    auto const wanted = static_cast<std::size_t>(std::min<std::int64_t>(left, static_cast<std::int64_t>(into.size())));
    for (;;) {
      ssize_t const got = ::pread(descriptor_, into.data(), wanted, start_ + given_);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) wrong(path_ + " cannot be read: " + std::strerror(errno) + ". Nothing was queued.");
      n = static_cast<std::size_t>(got);
      break;
    }
  }
  if (left == 0 || n == static_cast<std::size_t>(left) || n == 0) {
    struct stat about{};
    bool const same = ::fstat(descriptor_, &about) == 0 && about.st_size - start_ == size_ && about.st_mtim.tv_sec == changed_s_ &&
                      about.st_mtim.tv_nsec == changed_ns_;
    if (!same || (n == 0 && left > 0))
      wrong(path_ +
            " changed while it was being uploaded. Nothing was queued; upload it when it is complete (write it under another name "
            "first and rename it).");
  }
  return n;
}

std::size_t InputFile::read_pipe(std::span<char> into) {
  if (pipe_ended_) return 0;
  for (;;) {
    if (!interrupt_.wait_readable(descriptor_)) throw Interrupted();
    ssize_t const got = ::read(descriptor_, into.data(), into.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) wrong(path_ + " cannot be read: " + std::strerror(errno) + ". Nothing was queued.");
    pipe_ended_ = got == 0;
    return static_cast<std::size_t>(got);
  }
}

std::size_t UploadBody::Form::take(std::string const& text, std::size_t& at, std::span<char> into) {
  std::size_t const n = std::min(into.size(), text.size() - at);
  std::memcpy(into.data(), text.data() + at, n);
  at += n;
  return n;
}

std::size_t UploadBody::Form::read(std::span<char> into) {
  if (head_at_ < head_.size()) return take(head_, head_at_, into);
  if (!file_ended_) {
    std::size_t const n = file_.read(into);
    if (n > 0) return n;
    file_ended_ = true;
  }
  return take(tail_, tail_at_, into);
}

std::string UploadBody::head_of(InputFile const& file, FormFields const& fields, std::string const& boundary) {
  std::string head;
  for (auto const& [name, value] : fields)
    head += "--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
  // A quote as browsers escape it. Of a backslash readers disagree whether it escapes what follows.
  std::string file_name;
  for (char const c : file.name()) file_name += c == '"' ? "%22" : c == '\\' ? "_" : std::string(1, c);
  return head + "--" + boundary + "\r\nContent-Disposition: form-data; name=\"data\"; filename=\"" + file_name +
         "\"\r\nContent-Type: text/csv\r\n\r\n";
}

// The boundary is random: no file holds it but by a chance of 1 in 62^40.
UploadBody::UploadBody(InputFile& file, FormFields const& fields, bool gzip)
    : boundary_("fealty-" + random_base62(40)),
      file_bytes_(gzip ? std::nullopt : file.bytes()),
      form_(file, head_of(file, fields, boundary_), "\r\n--" + boundary_ + "--\r\n") {
  if (gzip) packed_ = std::make_unique<api::GzipSource>(form_);
}

std::string UploadBody::content_type() const { return "multipart/form-data; boundary=" + boundary_; }

std::optional<std::int64_t> UploadBody::bytes() const {
  if (!file_bytes_) return std::nullopt;
  return *file_bytes_ + static_cast<std::int64_t>(form_.around_bytes());
}

std::size_t UploadBody::read(std::span<char> into) { return packed_ ? packed_->read(into) : form_.read(into); }

}  // namespace fealty::app::bulk
