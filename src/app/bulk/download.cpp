#include "app/bulk/download.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

namespace fealty::app::bulk {
namespace {

// First byte of "bytes 100-199/200"; nothing for anything else.
std::optional<std::int64_t> first_of_range(std::string_view text) {
  constexpr std::string_view kUnit = "bytes ";
  if (!text.starts_with(kUnit)) return std::nullopt;
  text.remove_prefix(kUnit.size());
  std::int64_t first = 0;
  auto const [at, error] = std::from_chars(text.data(), text.data() + text.size(), first);
  if (error != std::errc{} || at == text.data() + text.size() || *at != '-') return std::nullopt;
  return first;
}

std::int64_t length_of(ClientAnswer const& head) {
  auto const text = head.header("content-length");
  std::int64_t length = 0;
  std::from_chars(text.data(), text.data() + text.size(), length);
  return length;
}

}  // namespace

void OutputFile::fail_with(char const* what) const {
  throw CommandError(Exit::usage, (own_ ? printable(path_) : "Standard output") + " cannot be " + what + ": " + std::strerror(errno) + ".");
}

OutputFile::OutputFile(std::string const& path) : path_(path) {
  if (path == "-") {
    own_ = false;
    descriptor_ = STDOUT_FILENO;
    return;
  }
  struct stat about{};
  bool const there = ::stat(path.c_str(), &about) == 0;
  if (there && S_ISDIR(about.st_mode)) {
    errno = EISDIR;
    fail_with("written");
  }
  if (there && !S_ISREG(about.st_mode)) {
    descriptor_ = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor_ < 0) fail_with("opened");
    return;
  }
  part_ = path + ".part";
  open_part();
}

// Two downloads to one name would mix their bytes: the first one holds a lock.
void OutputFile::open_part() {
  constexpr int kOwnerAlone = 0600;  // it holds members' data
  for (;;) {
    descriptor_ = ::open(part_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kOwnerAlone);
    if (descriptor_ < 0) fail_with("opened");
    struct stat opened{}, named{};
    bool const locked = ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0;
    // The other one may have finished between our opening and our lock: then this file has its final name already.
    if (locked && ::fstat(descriptor_, &opened) == 0 && ::lstat(part_.c_str(), &named) == 0 && opened.st_ino == named.st_ino &&
        opened.st_dev == named.st_dev)
      break;
    ::close(descriptor_);
    descriptor_ = -1;
    if (!locked) throw CommandError(Exit::usage, "Another download is writing " + printable(part_) + ".");
  }
  if (::fchmod(descriptor_, kOwnerAlone) != 0 || ::ftruncate(descriptor_, 0) != 0) fail_with("written");
}

OutputFile::~OutputFile() {
  if (!part_.empty() && !finished_ && descriptor_ >= 0) ::unlink(part_.c_str());
  if (own_ && descriptor_ >= 0) ::close(descriptor_);
}

void OutputFile::write(std::string_view piece) {
  while (!piece.empty()) {
    ssize_t const n = ::write(descriptor_, piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_with("written");
    piece.remove_prefix(static_cast<std::size_t>(n));
  }
}

bool OutputFile::restart() {
  if (part_.empty()) return false;
  if (::ftruncate(descriptor_, 0) != 0 || ::lseek(descriptor_, 0, SEEK_SET) != 0) fail_with("written");
  return true;
}

void OutputFile::finish() {
  if (part_.empty()) return;
  if (::fsync(descriptor_) != 0) fail_with("stored");
  if (::rename(part_.c_str(), path_.c_str()) != 0) fail_with("given its name");
  finished_ = true;
}

std::int64_t download(Remote& remote, Reporter& reporter, std::string const& path, std::string const& output) {
  OutputFile file(output);
  Patience patience = remote.new_patience();
  std::int64_t received = 0, total = 0;
  std::string tag;  // names the bytes, if the server says so

  auto attempt = [&](ApiClient& client) -> std::optional<ClientAnswer> {
    ClientRequest request{.path = path};
    if (received > 0) {
      request.headers.emplace_back("Range", "bytes=" + std::to_string(received) + "-");
      if (!tag.empty() && !tag.starts_with("W/")) request.headers.emplace_back("If-Range", tag);
    }
    std::int64_t skip = 0;
    bool begun = false;
    auto const begin = [&](ClientAnswer const& head) {
      std::string const new_tag(head.header("etag"));
      if (head.status == 206) {
        if (first_of_range(head.header("content-range")) != received)
          throw CommandError(Exit::not_reached, "The server sent another part of the file than it was asked for.");
      } else if (received > 0) {
        // All of it again. The same bytes are skipped; other bytes mean that everything so far is worth nothing.
        if (new_tag == tag)
          skip = received;
        else if (file.restart())
          received = 0;
        else
          throw CommandError(Exit::not_reached, "The connection broke, and the file has changed since: what was written is not complete.");
      }
      tag = new_tag;
      if (auto const length = length_of(head); length > 0) total = length + (head.status == 206 ? received : 0);
    };
    request.on_body = [&](ClientAnswer const& head, std::string_view piece) {
      if (!begun) begin(head);
      begun = true;
      auto const skipped = std::min<std::int64_t>(skip, static_cast<std::int64_t>(piece.size()));
      skip -= skipped;
      piece.remove_prefix(static_cast<std::size_t>(skipped));
      if (piece.empty()) return;
      file.write(piece);
      received += static_cast<std::int64_t>(piece.size());
      patience.succeeded();
      if (output != "-") reporter.transfer("downloading", received, total);
    };
    auto answer = client.send(request);
    // The connection broke behind the last byte: there is nothing left to ask for.
    if (answer.status == 416 && received > 0 && answer.header("content-range") == "bytes */" + std::to_string(received))
      answer.status = 200;
    return answer;
  };
  remote.run(attempt, true, patience);
  file.finish();
  reporter.clear();
  return received;
}

}  // namespace fealty::app::bulk
