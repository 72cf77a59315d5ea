// A small SMTP server for tests: it takes mails, refuses them for a while, or cuts connections, as it is told.
#pragma once
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace fealty::test {

class SmtpServer {
 public:
  enum class Behaviour : std::uint8_t {
    take,
    refuse_for_now,
    refuse_recipient,
    refuse_text,
    cut_after_text,
    cut_at_once,
    unwelcome,
    silent
  };
  struct Mail {
    std::string from, to, text;
  };

  SmtpServer() {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(listener_, 8) != 0)
      throw std::runtime_error("the SMTP server cannot listen");
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    if (::pipe2(stop_, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    thread_ = std::thread([this] { run(); });
  }
  ~SmtpServer() {
    ::close(stop_[1]);
    thread_.join();
    ::close(stop_[0]);
    ::close(listener_);
  }
  std::string url() const { return "smtp://127.0.0.1:" + std::to_string(port_); }
  // What the next mails meet, one each; afterwards all are taken.
  void next(std::initializer_list<Behaviour> behaviours) {
    std::lock_guard lock(mutex_);
    behaviours_.assign(behaviours);
  }
  std::vector<Mail> mails() {
    std::lock_guard lock(mutex_);
    return mails_;
  }
  // False when so many do not come within ten seconds.
  bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    return came_.wait_for(lock, std::chrono::seconds(10), [&] { return mails_.size() >= count; });
  }
  bool wait_for_connection() {
    std::unique_lock lock(mutex_);
    return came_.wait_for(lock, std::chrono::seconds(10), [&] { return connections_ > 0; });
  }
  int connections() const { return connections_; }

 private:
  // Waits for bytes or the end of the test.
  bool readable(int socket) {
    pollfd fds[] = {{socket, POLLIN, 0}, {stop_[0], POLLIN, 0}};
    return ::poll(fds, 2, -1) > 0 && !fds[1].revents;
  }
  void run() {
    while (readable(listener_)) {
      int const socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (socket < 0) continue;
      {
        std::lock_guard lock(mutex_);
        ++connections_;
      }
      came_.notify_all();
      talk(socket);
      ::close(socket);
    }
  }
  Behaviour behaviour() {
    std::lock_guard lock(mutex_);
    return behaviours_.empty() ? Behaviour::take : behaviours_.front();
  }
  void done() {
    std::lock_guard lock(mutex_);
    if (!behaviours_.empty()) behaviours_.pop_front();
  }
  void talk(int socket) {
    std::string input;
    auto say = [&](std::string const& line) { return ::send(socket, (line + "\r\n").data(), line.size() + 2, MSG_NOSIGNAL) > 0; };
    auto line = [&](std::string& out) {
      std::size_t end = 0;
      while ((end = input.find("\r\n")) == std::string::npos) {
        char buffer[4096];
        if (!readable(socket)) return false;
        auto const n = ::recv(socket, buffer, sizeof buffer, 0);
        if (n <= 0) return false;
        input.append(buffer, static_cast<std::size_t>(n));
      }
      out = input.substr(0, end);
      input.erase(0, end + 2);
      return true;
    };
    if (behaviour() == Behaviour::cut_at_once) return done();
    if (behaviour() == Behaviour::silent) {
      // Until the other side goes away.
      char byte;
      while (readable(socket) && ::recv(socket, &byte, 1, 0) > 0) continue;
      return done();
    }
    if (behaviour() == Behaviour::unwelcome) {
      say("554 no service here");
      return done();
    }
    say("220 test");
    Mail mail;
    for (std::string command; line(command);) {
      std::string const verb = command.substr(0, 4);
      if (verb == "EHLO" || verb == "HELO") {
        say("250 test");
      } else if (verb == "MAIL") {
        mail = {command.substr(10), "", ""};
        say("250 ok");
      } else if (verb == "RCPT") {
        if (behaviour() == Behaviour::refuse_for_now || behaviour() == Behaviour::refuse_recipient) {
          say(behaviour() == Behaviour::refuse_for_now ? "451 try later <secret@example.org>" : "550 no such user <secret@example.org>");
          done();
          continue;
        }
        mail.to = command.substr(8);
        say("250 ok");
      } else if (verb == "DATA") {
        say("354 go on");
        for (std::string text; line(text) && text != ".";) mail.text += (text.starts_with('.') ? text.substr(1) : text) + "\r\n";
        auto const now = behaviour();
        done();
        if (now == Behaviour::cut_after_text) return;
        if (now == Behaviour::refuse_text) {
          say("554 not this");
          continue;
        }
        {
          std::lock_guard lock(mutex_);
          mails_.push_back(mail);
        }
        came_.notify_all();
        say("250 taken");
      } else if (verb == "QUIT") {
        say("221 bye");
        return;
      } else {
        say("250 ok");
      }
    }
  }

  int listener_ = -1, stop_[2] = {-1, -1};
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<Behaviour> behaviours_;
  std::vector<Mail> mails_;
  std::atomic<int> connections_ = 0;
  std::thread thread_;
};

}  // namespace fealty::test
