#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "mail/transport.h"

namespace fealty::mail {
namespace {

class Folder final : public Transport {
 public:
  explicit Folder(std::string folder) : folder_(std::move(folder)) {}

  Delivery send(Message const& message) override {
    if (::mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST) return failed("the folder of mails cannot be made");
    // Whoever looks into the folder sees whole mails alone.
    std::string const path = folder_ + "/" + message.id + ".eml", part = path + ".part";
    int const file = ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) return failed("a mail cannot be written");
    auto const text = compose(message, Form::readable);
    std::size_t done = 0;
    while (done < text.size()) {
      auto const n = ::write(file, text.data() + done, text.size() - done);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      done += static_cast<std::size_t>(n);
    }
    bool const whole = done == text.size();
    int const why = errno;
    if (::close(file) != 0 || !whole || ::rename(part.c_str(), path.c_str()) != 0) {
      if (whole) return failed("a mail cannot be written");
      errno = why;
      return failed("a mail cannot be written");
    }
    return {};
  }

 private:
  static Delivery failed(std::string const& what) {
    return {Delivery::Outcome::unreachable, what + ": " + std::error_code(errno, std::generic_category()).message()};
  }
  std::string folder_;
};

}  // namespace

std::unique_ptr<Transport> folder_transport(std::string folder) { return std::make_unique<Folder>(std::move(folder)); }

}  // namespace fealty::mail
