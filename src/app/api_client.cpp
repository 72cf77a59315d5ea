#include "app/api_client.h"

#include <curl/curl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <exception>
#include <ranges>

#include "base/text.h"
#include "base/time.h"

namespace fealty::app {
namespace {

constexpr long kUploadPieceBytes = 128 * 1024;
constexpr std::int64_t kRetryAfterMax_s = 24 * 60 * 60;

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

std::string part_of(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK || text == nullptr) return {};
  std::string out(text);
  curl_free(text);
  return out;
}

// libcurl wants its one-time initialisation before the first thread uses it; the client is the only user.
void prepare_library() {
  static CURLcode const code = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (code != CURLE_OK) throw std::runtime_error("libcurl cannot be used: " + std::string(curl_easy_strerror(code)));
}

bool is_hopeless(CURLcode code) {
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_OUT_OF_MEMORY: return true;
    default: return false;
  }
}

void check(CURLcode code) {
  if (code != CURLE_OK) throw std::runtime_error("libcurl refuses a setting: " + std::string(curl_easy_strerror(code)));
}

// An answer that was received and never read, in the plain form that our server gives early answers: with its length. Nothing when
// it is not complete. Interim answers before it are skipped.
std::optional<ClientAnswer> parse_unread(std::string_view text) {
  for (;;) {
    auto const end = text.find("\r\n\r\n");
    if (!text.starts_with("HTTP/1.1 ") || end == std::string_view::npos) return std::nullopt;
    std::string_view const head = text.substr(0, end);
    text.remove_prefix(end + 4);
    ClientAnswer answer;
    std::string_view const digits = head.substr(std::string_view("HTTP/1.1 ").size(), 3);
    if (std::from_chars(digits.data(), digits.data() + digits.size(), answer.status).ec != std::errc{}) return std::nullopt;
    if (answer.status < 200) continue;
    for (auto const line : split(head.substr(std::min(head.find('\n'), head.size() - 1) + 1), '\n'))
      if (auto const colon = line.find(':'); colon != std::string_view::npos)
        answer.headers.emplace_back(line.substr(0, colon), trim_space(line.substr(colon + 1)));
    auto const number = [&](std::string_view name) -> std::int64_t {
      auto const value = answer.header(name);
      std::int64_t out = 0;
      bool const good = std::from_chars(value.data(), value.data() + value.size(), out).ec == std::errc{};
      return good && out >= 0 ? out : -1;
    };
    std::int64_t const length = number("content-length");
    if (length < 0 || static_cast<std::uint64_t>(length) > text.size()) return std::nullopt;
    answer.body = text.substr(0, static_cast<std::size_t>(length));
    answer.retry_after_s = static_cast<int>(std::clamp<std::int64_t>(number("retry-after"), 0, kRetryAfterMax_s));
    return answer;
  }
}

}  // namespace

ServerUrl parse_server_url(std::string const& text) {
  auto const wrong = [&](std::string const& why) {
    return std::invalid_argument("\"" + text + "\" is no server's URL: " + why + " It looks like https://club.example.org.");
  };
  // A user part would stand in process lists and logs: it is refused before anything repeats the text.
  if (auto const at = text.find('@'); at != std::string::npos && text.find("://") != std::string::npos)
    throw std::invalid_argument("A server's URL holds no user and no password: the key comes from --key-file or FEALTY_API_KEY.");
  if (has_control_characters(text, false) || text.find(' ') != std::string::npos) throw wrong("it holds blanks or control characters.");
  if (!text.starts_with("http://") && !text.starts_with("https://")) throw wrong("it begins with neither http:// nor https://.");
  std::unique_ptr<CURLU, FreeUrl> const url(curl_url());
  if (!url) throw std::bad_alloc();
  if (auto const code = curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0); code != CURLUE_OK)
    throw wrong(std::string(curl_url_strerror(code)) + ".");
  if (!part_of(url.get(), CURLUPART_QUERY).empty() || !part_of(url.get(), CURLUPART_FRAGMENT).empty() || text.ends_with('?') ||
      text.ends_with('#'))
    throw wrong("it has a query or a fragment.");
  ServerUrl out;
  std::string const host = part_of(url.get(), CURLUPART_HOST), port = part_of(url.get(), CURLUPART_PORT);
  if (host.empty()) throw wrong("it names no host.");
  out.encrypted = part_of(url.get(), CURLUPART_SCHEME) == "https";
  out.host_and_port = port.empty() ? host : host + ":" + port;
  out.this_machine = host == "localhost" || host.ends_with(".localhost") || host == "[::1]" ||
                     (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos);
  out.text = text;
  while (out.text.ends_with('/')) out.text.pop_back();
  return out;
}

std::string_view ClientAnswer::header(std::string_view name) const {
  for (auto const& [header_name, value] : headers | std::views::reverse)
    if (equals_ignore_ascii_case(header_name, name)) return value;
  return {};
}

struct ApiClient::State {
  ClientSettings settings;
  // These live as long as the handle: closing its connections may use them.
  std::array<char, CURL_ERROR_SIZE> error{};
  Transfer* transfer = nullptr;  // the one under way
  std::unique_ptr<CURL, FreeEasy> easy;
};

// One request on its way: what libcurl calls back. Exceptions must not pass through libcurl's C code, so they are kept and
// thrown again behind it.
class ApiClient::Transfer {
 public:
  Transfer(ApiClient::State& state, ClientRequest const& request) : state_(state), request_(request), easy_(state.easy.get()) {}

  // The handle must not keep what dies with this object.
  ~Transfer() {
    state_.transfer = nullptr;
    curl_easy_reset(easy_);
  }
  Transfer(Transfer const&) = delete;
  Transfer& operator=(Transfer const&) = delete;

  ClientAnswer run() {
    set_up();
    moved_at_ms_ = steady_now_ms();
    state_.transfer = this;
    CURLcode const code = curl_easy_perform(easy_);
    if (problem_) std::rethrow_exception(problem_);
    if (code == CURLE_SEND_ERROR)
      if (auto unread = parse_unread(unread_)) return std::move(*unread);
    if (code != CURLE_OK) throw_failure(code);
    take_head();
    return std::move(answer_);
  }

 private:
  template <class T>
  void set(CURLoption option, T value) {
    check(curl_easy_setopt(easy_, option, value));
  }

  void set_up() {
    ClientSettings const& s = state_.settings;
    curl_easy_reset(easy_);  // connections, sessions and names that were looked up stay
    set(CURLOPT_URL, (s.server.text + request_.path).c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
    set(CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_NOSIGNAL, 1L);  // several threads may have a client each
    set(CURLOPT_CONNECTTIMEOUT_MS, long{s.connect_timeout_ms});
    state_.error.fill('\0');
    set(CURLOPT_ERRORBUFFER, state_.error.data());
    set(CURLOPT_USERAGENT, "fealty/" FEALTY_VERSION);
    if (!s.ca_file.empty()) {
      set(CURLOPT_CAINFO, s.ca_file.c_str());
      set(CURLOPT_CAPATH, static_cast<char const*>(nullptr));
    }
    if (s.server.this_machine) set(CURLOPT_PROXY, "");

    set(CURLOPT_CLOSESOCKETFUNCTION, &Transfer::on_close);
    set(CURLOPT_CLOSESOCKETDATA, &state_);
    set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
    set(CURLOPT_HEADERDATA, this);
    set(CURLOPT_WRITEFUNCTION, &Transfer::on_piece);
    set(CURLOPT_WRITEDATA, this);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &Transfer::on_progress);
    set(CURLOPT_XFERINFODATA, this);
    set_body();
    set_headers();
  }

  void set_body() {
    set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
    if (request_.read_body) {
      set(CURLOPT_POST, 1L);
      set(CURLOPT_READFUNCTION, &Transfer::on_wanted);
      set(CURLOPT_READDATA, this);
      set(CURLOPT_UPLOAD_BUFFERSIZE, kUploadPieceBytes);
      set(CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t{request_.body_bytes.value_or(-1)});
      // On a kept connection that the server is about to close, libcurl would want to send the body twice; it cannot be.
      set(CURLOPT_FRESH_CONNECT, 1L);
    } else if (request_.method != "GET" && request_.method != "DELETE") {
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
      set(CURLOPT_POSTFIELDS, request_.body.c_str());
    } else {
      set(CURLOPT_HTTPGET, 1L);
      set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
    }
  }

  void add_header(std::string const& name, std::string const& value) {
    if (has_control_characters(value, false)) throw std::logic_error("a header's value holds control characters");
    // libcurl takes "Name:" for "do not send it" and "Name;" for an empty value.
    add_line(value.empty() ? name + ";" : name + ": " + value);
  }

  void add_line(std::string const& line) {
    curl_slist* const before = headers_.release();
    curl_slist* const longer = curl_slist_append(before, line.c_str());
    headers_.reset(longer != nullptr ? longer : before);
    if (longer == nullptr) throw std::bad_alloc();
  }

  void set_headers() {
    if (!state_.settings.bearer.empty()) add_header("Authorization", "Bearer " + state_.settings.bearer);
    add_header("Accept", "*/*");
    if (request_.read_body) {
      // A refusal that needs only the head comes before the body is touched: what cannot be read twice stays unread.
      add_header("Expect", "100-continue");
      if (!request_.body_bytes) add_header("Transfer-Encoding", "chunked");
    }
    bool typed = false;
    for (auto const& [name, value] : request_.headers) {
      typed |= equals_ignore_ascii_case(name, "content-type");
      add_header(name, value);
    }
    if (!typed) add_line("Content-Type:");  // otherwise libcurl would call every body a form
    set(CURLOPT_HTTPHEADER, headers_.get());
  }

  bool wants_pieces() const { return request_.on_body && (answer_.status == 200 || answer_.status == 206); }

  template <class Work>
  bool guarded(Work&& work) {
    try {
      work();
      return true;
    } catch (...) {
      problem_ = std::current_exception();
      return false;
    }
  }

  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self) {
    auto& t = *static_cast<Transfer*>(self);
    std::string_view const line = trim_space({data, size * count});
    bool const good = t.guarded([&] {
      if (line.starts_with("HTTP/")) {
        // Of 100 Continue and of the answer itself; the last one counts.
        t.answer_.headers.clear();
      } else if (auto const colon = line.find(':'); colon != std::string_view::npos) {
        t.header_bytes_ += line.size();
        if (t.header_bytes_ > kHeaderBytesMax) throw NotReached(NotReached::Kind::hopeless, "the server's headers are longer than 256 KiB");
        t.answer_.headers.emplace_back(line.substr(0, colon), trim_space(line.substr(colon + 1)));
      }
    });
    return good ? size * count : 0;
  }

  static std::size_t on_piece(char* data, std::size_t size, std::size_t count, void* self) {
    auto& t = *static_cast<Transfer*>(self);
    bool const good = t.guarded([&] {
      if (t.answer_.status == 0) t.take_head();
      std::string_view const piece(data, size * count);
      t.moved_at_ms_ = steady_now_ms();
      if (t.wants_pieces()) return t.request_.on_body(t.answer_, piece);
      if (t.answer_.body.size() + piece.size() > kAnswerBytesMax)
        throw NotReached(NotReached::Kind::hopeless, "the server's answer is larger than 16 MiB");
      t.answer_.body += piece;
    });
    // Anything but the full count ends the transfer; an empty piece is never handed over.
    return good ? size * count : 0;
  }

  static std::size_t on_wanted(char* into, std::size_t size, std::size_t count, void* self) {
    auto& t = *static_cast<Transfer*>(self);
    std::size_t n = 0;
    bool const good = t.guarded([&] { n = t.request_.read_body({into, size * count}); });
    t.moved_at_ms_ = steady_now_ms();  // waiting for a slow source is not the server's standing still
    return good ? n : CURL_READFUNC_ABORT;
  }

  static int on_progress(void* self, curl_off_t, curl_off_t down, curl_off_t, curl_off_t up) {
    auto& t = *static_cast<Transfer*>(self);
    bool const good = t.guarded([&] {
      ClientSettings const& s = t.state_.settings;
      if (s.interrupted && s.interrupted()) throw Interrupted();
      auto const now = steady_now_ms();
      if (down + up != t.moved_bytes_) {
        t.moved_bytes_ = down + up;
        t.moved_at_ms_ = now;
      }
      if (now - t.moved_at_ms_ > s.stall_timeout_ms)
        throw NotReached(NotReached::Kind::broken,
                         s.server.host_and_port + " has not moved for " + std::to_string(s.stall_timeout_ms / 1000) + " s");
    });
    return good ? 0 : 1;
  }

  // A server that refuses a body in its middle answers, reads on for a little, and closes. When that is quicker than our next
  // write, the write fails, and libcurl gives up without having read the answer, which lies in the socket. Not for TLS, whose
  // keys are gone by now; there the next try hears the answer.
  static int on_close(void* self, curl_socket_t socket) {
    auto const& state = *static_cast<State const*>(self);
    if (state.transfer != nullptr && state.transfer->request_.read_body && !state.settings.server.encrypted) {
      Transfer& t = *state.transfer;
      t.guarded([&] {
        std::array<char, 4096> piece;
        while (t.unread_.size() < kHeaderBytesMax) {
          ssize_t const n = ::recv(socket, piece.data(), piece.size(), MSG_DONTWAIT);
          if (n <= 0) break;
          t.unread_.append(piece.data(), static_cast<std::size_t>(n));
        }
      });
    }
    return ::close(socket);
  }

  void take_head() {
    long status = 0;
    curl_off_t retry_after_s = 0;
    check(curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status));
    check(curl_easy_getinfo(easy_, CURLINFO_RETRY_AFTER, &retry_after_s));
    answer_.status = static_cast<int>(status);
    answer_.retry_after_s = static_cast<int>(std::clamp<std::int64_t>(retry_after_s, 0, kRetryAfterMax_s));
  }

  [[noreturn]] void throw_failure(CURLcode code) {
    std::string reason(state_.error.data());
    if (reason.empty()) reason = curl_easy_strerror(code);
    while (!reason.empty() && (reason.back() == '\n' || reason.back() == '.')) reason.pop_back();
    std::string const& host = state_.settings.server.host_and_port;
    if (is_hopeless(code)) throw NotReached(NotReached::Kind::hopeless, host + " cannot be used: " + reason);
    bool const unsent = code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY || code == CURLE_COULDNT_CONNECT ||
                        code == CURLE_SSL_CONNECT_ERROR;
    if (unsent) throw NotReached(NotReached::Kind::unsent, host + " cannot be reached: " + reason);
    throw NotReached(NotReached::Kind::broken, "The connection to " + host + " broke: " + reason);
  }

  static constexpr std::size_t kHeaderBytesMax = 256 * 1024;

  ApiClient::State& state_;
  ClientRequest const& request_;
  CURL* easy_;
  std::unique_ptr<curl_slist, FreeList> headers_;
  ClientAnswer answer_;
  std::size_t header_bytes_ = 0;
  std::string unread_;
  std::int64_t moved_at_ms_ = 0;
  curl_off_t moved_bytes_ = 0;
  std::exception_ptr problem_;
};

ApiClient::ApiClient(ClientSettings settings) : state_(std::make_unique<State>()) {
  prepare_library();
  state_->settings = std::move(settings);
  state_->easy.reset(curl_easy_init());
  if (!state_->easy) throw std::bad_alloc();
}

ApiClient::~ApiClient() = default;

ClientAnswer ApiClient::send(ClientRequest const& request) { return Transfer(*state_, request).run(); }

}  // namespace fealty::app
