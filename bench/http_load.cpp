// A load generator for HTTP/1.1: one thread, epoll, keep-alive connections, one request at a time on each.
//
//   http_load --url http://127.0.0.1:3333/v1/users/balances/adjust --header 'Authorization: Bearer fk_…' --connections 16
//     --seconds 10 --body '{"identifier":"member{random:0:999}@example.org","currency":"premium","op":"add","amount":1}'
//
// In headers and body, {n} is the number of the request, {run} a word that no other run has, {random:LOW:HIGH} a whole number.
// Without --rate each connection sends its next request when it has its answer (closed loop). With --rate the requests have
// fixed times, and the time of an answer counts from then, whether or not a connection was free: a server that stands still
// for a second is seen by all requests of that second, not by one a connection.
// With --awake true it looks for answers all the time instead of sleeping until one comes: waking a client that sleeps on the same
// machine is then no part of what a server is measured by, as it is none where clients are other machines. It takes a core.
// SIGINT and SIGTERM end the run early. The result is one JSON object on standard output.
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace {

std::sig_atomic_t volatile g_stop = 0;

[[noreturn]] void refuse(std::string const& why) {
  std::fprintf(stderr, "http_load: %s\n", why.c_str());
  std::exit(2);
}

std::int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct Options {
  std::string host, port, path, method = "POST", body;
  std::vector<std::string> headers;
  int connections = 16;
  double seconds = 10, warm_up_s = 0, rate = 0;
  bool awake = false;
};

Options parse(int argc, char** argv) {
  Options o;
  std::string url;
  for (int i = 1; i < argc; i += 2) {
    std::string_view const name = argv[i];
    if (i + 1 == argc) refuse(std::string(name) + " needs a value");
    std::string const value = argv[i + 1];
    if (name == "--url") {
      url = value;
    } else if (name == "--method") {
      o.method = value;
    } else if (name == "--header") {
      o.headers.push_back(value);
    } else if (name == "--body") {
      o.body = value;
    } else if (name == "--connections") {
      o.connections = std::atoi(value.c_str());
    } else if (name == "--seconds") {
      o.seconds = std::atof(value.c_str());
    } else if (name == "--warm-up") {
      o.warm_up_s = std::atof(value.c_str());
    } else if (name == "--rate") {
      o.rate = std::atof(value.c_str());
    } else if (name == "--awake") {
      o.awake = value == "true";
    } else {
      refuse("there is no option " + std::string(name));
    }
  }
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) refuse("--url must begin with http://");
  url.erase(0, kScheme.size());
  auto const slash = url.find('/');
  o.path = slash == std::string::npos ? "/" : url.substr(slash);
  url.resize(std::min(slash, url.size()));
  auto const colon = url.rfind(':');
  o.host = url.substr(0, colon);
  o.port = colon == std::string::npos ? "80" : url.substr(colon + 1);
  if (o.connections < 1 || o.connections > 10'000) refuse("--connections is 1 to 10000");
  if (o.seconds <= 0) refuse("--seconds must be above 0");
  return o;
}

// A text with its places for numbers.
class Template {
 public:
  explicit Template(std::string_view text) {
    while (!text.empty()) {
      auto const open = text.find('{');
      if (open == std::string_view::npos) break;
      auto const close = text.find('}', open);
      if (close == std::string_view::npos) break;
      auto const inside = text.substr(open + 1, close - open - 1);
      bool known = true;
      literal(text.substr(0, open));
      if (inside == "n") {
        parts_.emplace_back(Counter{});
      } else if (inside == "run") {
        parts_.emplace_back(Run{});
      } else if (inside.starts_with("random:")) {
        Range range{};
        if (std::sscanf(std::string(inside).c_str(), "random:%lld:%lld", &range.low, &range.high) != 2 || range.high < range.low)
          refuse("bad placeholder {" + std::string(inside) + "}");
        parts_.emplace_back(range);
      } else {
        known = false;  // JSON has braces of its own
        literal(text.substr(open, 1));
      }
      text.remove_prefix(known ? close + 1 : open + 1);
    }
    literal(text);
  }

  void append(std::string& out, std::uint64_t number, std::string const& run, std::mt19937_64& random) const {
    for (auto const& part : parts_) {
      if (auto const* text = std::get_if<std::string>(&part)) {
        out += *text;
      } else if (std::holds_alternative<Run>(part)) {
        out += run;
      } else if (std::holds_alternative<Counter>(part)) {
        out += std::to_string(number);
      } else {
        auto const& range = std::get<Range>(part);
        out += std::to_string(std::uniform_int_distribution<long long>(range.low, range.high)(random));
      }
    }
  }

 private:
  struct Counter {};
  struct Run {};
  struct Range {
    long long low, high;
  };
  void literal(std::string_view text) {
    if (!text.empty()) parts_.emplace_back(std::string(text));
  }
  std::vector<std::variant<std::string, Counter, Run, Range>> parts_;
};

// Microseconds in buckets of at most 1.6 % width: memory does not grow with the length of the run.
class Histogram {
 public:
  void add(std::int64_t us) {
    auto const value = static_cast<std::uint64_t>(std::max<std::int64_t>(us, 0));
    ++counts_[index_of(value)];
    ++total_;
    max_ = std::max(max_, value);
  }
  std::uint64_t total() const { return total_; }
  std::uint64_t max() const { return max_; }
  std::uint64_t quantile(double q) const {
    auto const wanted = static_cast<std::uint64_t>(q * static_cast<double>(total_));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen > wanted) return std::min(upper(i), max_);
    }
    return max_;
  }

 private:
  static constexpr int kBits = 6;
  static std::size_t index_of(std::uint64_t v) {
    if (v < (1u << kBits)) return v;
    int const shift = static_cast<int>(std::bit_width(v)) - 1 - kBits;
    return (static_cast<std::size_t>(shift + 1) << kBits) + ((v >> shift) & ((1u << kBits) - 1));
  }
  static std::uint64_t upper(std::size_t i) {
    if (i < (1u << kBits)) return i;
    auto const shift = (i >> kBits) - 1;
    return ((((1ull << kBits) | (i & ((1u << kBits) - 1))) + 1) << shift) - 1;
  }
  std::array<std::uint64_t, 64 << kBits> counts_{};
  std::uint64_t total_ = 0, max_ = 0;
};

struct Connection {
  int fd = -1;
  bool busy = false;
  bool counts = false;        // sent after the warm-up
  std::int64_t since_us = 0;  // when the request was due
  std::string out, in;
};

class Load {
 public:
  explicit Load(Options options)
      : options_(std::move(options)), body_(options_.body), run_(std::to_string(std::random_device{}())), random_(std::random_device{}()) {
    head_ = options_.method + " " + options_.path + " HTTP/1.1\r\nHost: " + options_.host + ":" + options_.port + "\r\n";
    for (auto const& h : options_.headers) headers_.emplace_back(h + "\r\n");
    if (!options_.body.empty()) head_ += "Content-Type: application/json\r\n";
    resolve();
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    connections_.resize(static_cast<std::size_t>(options_.connections));
  }

  void run() {
    for (auto& c : connections_) connect(c);
    start_us_ = now_us();
    count_from_us_ = start_us_ + static_cast<std::int64_t>(options_.warm_up_s * 1e6);
    end_us_ = count_from_us_ + static_cast<std::int64_t>(options_.seconds * 1e6);
    for (auto& c : connections_) idle_.push_back(&c);
    send_due();
    std::array<epoll_event, 256> events{};
    while (true) {
      std::int64_t const now = now_us();
      bool const over = now >= end_us_ || g_stop != 0;
      if (over && stopped_us_ == 0) stopped_us_ = now;
      // Answers that are on their way when the time is over still count: the slowest are among them.
      if (over && (idle_.size() == connections_.size() || now > stopped_us_ + kGraceUs)) break;
      int const count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), options_.awake ? 0 : wait_ms(now));
      if (count < 0 && errno != EINTR) refuse(std::string("epoll_wait: ") + std::strerror(errno));
      for (int i = 0; i < count; ++i) serve(*static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr));
      if (stopped_us_ == 0) send_due();
    }
    for (auto const& c : connections_) transport_errors_ += c.busy && c.counts ? 1 : 0;
  }

  void print() const {
    double const seconds = static_cast<double>(std::max<std::int64_t>(stopped_us_ - count_from_us_, 1)) / 1e6;
    auto const ms = [](std::uint64_t us) { return static_cast<double>(us) / 1000; };
    std::printf(
        "{\"requests\":%llu,\"seconds\":%.2f,\"requests_per_s\":%.1f,\"p50_ms\":%.2f,\"p90_ms\":%.2f,\"p99_ms\":%.2f,\"p999_ms\":%.2f,"
        "\"max_ms\":%.2f,\"transport_errors\":%llu,\"statuses\":{",
        static_cast<unsigned long long>(times_.total()), seconds, static_cast<double>(times_.total()) / seconds, ms(times_.quantile(0.5)),
        ms(times_.quantile(0.9)), ms(times_.quantile(0.99)), ms(times_.quantile(0.999)), ms(times_.max()),
        static_cast<unsigned long long>(transport_errors_));
    bool first = true;
    for (auto const& [status, count] : statuses_) {
      std::printf("%s\"%d\":%llu", first ? "" : ",", status, static_cast<unsigned long long>(count));
      first = false;
    }
    std::printf("}}\n");
    if (!sample_of_failure_.empty())
      std::fprintf(stderr, "http_load: the first answer that was no success: %s\n", sample_of_failure_.c_str());
  }

 private:
  static constexpr std::int64_t kGraceUs = 30'000'000;

  void resolve() {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (int const rc = ::getaddrinfo(options_.host.c_str(), options_.port.c_str(), &hints, &found); rc != 0) refuse(::gai_strerror(rc));
    std::memcpy(&address_, found->ai_addr, found->ai_addrlen);
    address_length_ = found->ai_addrlen;
    ::freeaddrinfo(found);
  }

  void connect(Connection& c) {
    if (c.fd >= 0) ::close(c.fd);
    c.fd = ::socket(address_.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c.fd < 0 || ::connect(c.fd, reinterpret_cast<sockaddr const*>(&address_), address_length_) != 0)
      refuse(std::string("cannot connect: ") + std::strerror(errno));
    int const one = 1;
    ::setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    c.in.clear();
    c.busy = false;
    epoll_event event{.events = EPOLLIN, .data = {.ptr = &c}};
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, c.fd, &event);
  }

  std::int64_t due_us() const { return start_us_ + static_cast<std::int64_t>(static_cast<double>(number_) * 1e6 / options_.rate); }

  int wait_ms(std::int64_t now) const {
    std::int64_t until = stopped_us_ ? stopped_us_ + kGraceUs : end_us_;
    if (options_.rate > 0 && !idle_.empty() && !stopped_us_) until = std::min(until, due_us());
    return static_cast<int>(std::clamp<std::int64_t>((until - now + 999) / 1000, 0, 100));
  }

  void send_due() {
    while (!idle_.empty()) {
      std::int64_t const now = now_us();
      std::int64_t const due = options_.rate > 0 ? due_us() : now;
      if (due > now || due >= end_us_) return;
      Connection& c = *idle_.front();
      idle_.pop_front();
      c.since_us = due;
      c.counts = due >= count_from_us_;
      send(c);
    }
  }

  void send(Connection& c) {
    std::uint64_t const number = number_++;
    c.out = head_;
    for (auto const& h : headers_) h.append(c.out, number, run_, random_);
    if (!options_.body.empty()) {
      std::string body;
      body_.append(body, number, run_, random_);
      c.out += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    } else {
      c.out += "\r\n";
    }
    c.busy = true;
    // A request fits the socket's buffer: a blocking send returns at once.
    for (std::size_t sent = 0; sent < c.out.size();) {
      ssize_t const n = ::send(c.fd, c.out.data() + sent, c.out.size() - sent, MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return failed(c);
      sent += static_cast<std::size_t>(n);
    }
  }

  void failed(Connection& c) {
    if (c.busy && c.counts) ++transport_errors_;
    bool const was_busy = c.busy;
    if (stopped_us_ && was_busy) {
      c.busy = false;
      idle_.push_back(&c);
      ::close(c.fd);
      c.fd = -1;
      return;
    }
    connect(c);
    if (was_busy) idle_.push_back(&c);
  }

  void serve(Connection& c) {
    char buffer[64 * 1024];
    ssize_t const n = ::recv(c.fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) return failed(c);
    c.in.append(buffer, static_cast<std::size_t>(n));
    auto const head_end = c.in.find("\r\n\r\n");
    if (head_end == std::string::npos) return;
    std::size_t const length = content_length(std::string_view(c.in).substr(0, head_end));
    if (c.in.size() < head_end + 4 + length) return;
    int const status = c.in.size() > 12 ? std::atoi(c.in.c_str() + 9) : 0;
    if (c.counts) {
      times_.add(now_us() - c.since_us);
      ++statuses_[status];
    }
    if (status / 100 != 2 && sample_of_failure_.empty()) sample_of_failure_ = c.in.substr(head_end + 4, 500);
    c.in.erase(0, head_end + 4 + length);
    c.busy = false;
    idle_.push_back(&c);
  }

  static std::size_t content_length(std::string_view head) {
    constexpr std::string_view kName = "content-length:";
    for (std::size_t at = 0; at < head.size();) {
      auto const end = std::min(head.find("\r\n", at), head.size());
      auto const line = head.substr(at, end - at);
      bool const is_it = line.size() > kName.size() && std::equal(kName.begin(), kName.end(), line.begin(), [](char a, char b) {
                           return a == (b >= 'A' && b <= 'Z' ? b + ('a' - 'A') : b);
                         });
      if (is_it) return static_cast<std::size_t>(std::atoll(std::string(line.substr(kName.size())).c_str()));
      at = end + 2;
    }
    return 0;
  }

  Options options_;
  Template body_;
  std::vector<Template> headers_;
  std::string head_, run_;
  std::mt19937_64 random_;
  sockaddr_storage address_{};
  socklen_t address_length_ = 0;
  int epoll_ = -1;
  std::vector<Connection> connections_;
  std::deque<Connection*> idle_;
  std::uint64_t number_ = 0;
  std::int64_t start_us_ = 0, count_from_us_ = 0, end_us_ = 0, stopped_us_ = 0;
  Histogram times_;
  std::map<int, std::uint64_t> statuses_;
  std::uint64_t transport_errors_ = 0;
  std::string sample_of_failure_;
};

}  // namespace

int main(int argc, char** argv) {
  struct sigaction action{};
  action.sa_handler = [](int) { g_stop = 1; };
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  auto const load = std::make_unique<Load>(parse(argc, argv));
  load->run();
  load->print();
}
