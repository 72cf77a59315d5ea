#include "mail/smtp.h"

#include <curl/curl.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <stdexcept>

#include "base/time.h"

namespace fealty::mail {
namespace {

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

void prepare_library() {
  static CURLcode const code = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (code != CURLE_OK) throw std::runtime_error("libcurl cannot be used: " + std::string(curl_easy_strerror(code)));
}

std::string part_of(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK || text == nullptr) return {};
  std::string out(text);
  curl_free(text);
  return out;
}

bool is_this_machine(std::string const& host) {
  return host == "localhost" || host.starts_with("127.") || host == "[::1]" || host == "::1";
}

// Given to a server that has the whole text, so that a mail which it has taken is not sent again.
constexpr std::int64_t kLastWordMs = 5'000;

struct Reading {
  std::string_view left;
  std::atomic<std::int64_t> const& interrupted_ms;  // steady time, 0: not interrupted
};
// libcurl asks it about once a second, and whenever bytes move.
int is_interrupted(void* where, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto const& reading = *static_cast<Reading*>(where);
  auto const since_ms = reading.interrupted_ms.load();
  return since_ms != 0 && (!reading.left.empty() || steady_now_ms() - since_ms > kLastWordMs) ? 1 : 0;
}
std::size_t read_text(char* into, std::size_t size, std::size_t count, void* where) {
  auto& reading = *static_cast<Reading*>(where);
  std::size_t const n = std::min(size * count, reading.left.size());
  std::memcpy(into, reading.left.data(), n);
  reading.left.remove_prefix(n);
  return n;
}

class Smtp final : public Transport {
 public:
  explicit Smtp(SmtpSettings settings) : settings_(std::move(settings)) {
    prepare_library();
    easy_.reset(curl_easy_init());
    std::unique_ptr<CURLU, FreeUrl> const url(curl_url());
    if (!easy_ || !url || curl_url_set(url.get(), CURLUPART_URL, settings_.url.c_str(), 0) != CURLUE_OK)
      throw std::runtime_error("the URL of the SMTP server cannot be read");
    plain_ = settings_.insecure || is_this_machine(part_of(url.get(), CURLUPART_HOST));
  }

  // The connection is kept from mail to mail.
  Delivery send(Message const& message) override {
    CURL* const c = easy_.get();
    curl_easy_reset(c);
    std::string const text = compose(message, Form::wire), from = "<" + message.from.address + ">", to = "<" + message.to + ">";
    std::unique_ptr<curl_slist, FreeList> const recipients(curl_slist_append(nullptr, to.c_str()));
    Reading reading{text, interrupted_ms_};
    CURLcode code = CURLE_OK;
    auto set = [&](CURLoption option, auto value) {
      if (code == CURLE_OK) code = curl_easy_setopt(c, option, value);
    };
    set(CURLOPT_URL, settings_.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    set(CURLOPT_USE_SSL, static_cast<long>(plain_ ? CURLUSESSL_NONE : CURLUSESSL_ALL));
    if (!settings_.ca_file.empty()) set(CURLOPT_CAINFO, settings_.ca_file.c_str());
    if (!settings_.user.empty()) {
      set(CURLOPT_USERNAME, settings_.user.c_str());
      set(CURLOPT_PASSWORD, settings_.password.c_str());
    }
    set(CURLOPT_MAIL_FROM, from.c_str());
    set(CURLOPT_MAIL_RCPT, recipients.get());
    set(CURLOPT_READFUNCTION, &read_text);
    set(CURLOPT_READDATA, static_cast<void*>(&reading));
    set(CURLOPT_UPLOAD, 1L);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &is_interrupted);
    set(CURLOPT_XFERINFODATA, static_cast<void*>(&reading));
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_PROXY, "");
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(settings_.connect_timeout_ms));
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(settings_.timeout_ms));
    if (code != CURLE_OK) return {Delivery::Outcome::unreachable, "libcurl refuses a setting: " + std::string(curl_easy_strerror(code))};
    code = curl_easy_perform(c);
    long answered = 0;
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &answered);
    return outcome_of(code, answered, reading.left.empty());
  }

  void interrupt() override { interrupted_ms_ = steady_now_ms(); }

 private:
  // The server's own words may hold the recipient's address: its number alone is told. `told_all`: the whole text was sent.
  static Delivery outcome_of(CURLcode code, long answered, bool told_all) {
    using enum Delivery::Outcome;
    constexpr long kSignInFirst = 530;  // RFC 4954
    if (code == CURLE_OK) return {sent};
    std::string const reason = answered >= 400 ? "the server answered " + std::to_string(answered) : curl_easy_strerror(code);
    switch (code) {
      case CURLE_LOGIN_DENIED: return {unreachable, "the server does not accept user and password"};
      case CURLE_ABORTED_BY_CALLBACK: return {unreachable, "this server shuts down"};
      case CURLE_USE_SSL_FAILED: return {unreachable, "the server offers no STARTTLS"};
      // What libcurl says when the server refuses sender, recipient or the beginning of the text.
      case CURLE_SEND_ERROR:
        if (answered >= 400 && answered != kSignInFirst) return {answered >= 500 ? refused : later, reason};
        break;
      // What it says of a greeting that is no welcome, and of a text that was not taken.
      case CURLE_WEIRD_SERVER_REPLY:
        if (answered >= 400 && told_all) return {answered >= 500 ? refused : later, reason};
        break;
      default: break;
    }
    return {unreachable, reason};
  }

  SmtpSettings settings_;
  bool plain_ = false;
  std::atomic<std::int64_t> interrupted_ms_ = 0;
  std::unique_ptr<CURL, FreeEasy> easy_;
};

}  // namespace

std::optional<std::string> smtp_url_problem(std::string const& text) {
  std::unique_ptr<CURLU, FreeUrl> const url(curl_url());
  bool const parsed = url && curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) == CURLUE_OK;
  std::string const scheme = parsed ? part_of(url.get(), CURLUPART_SCHEME) : "";
  if ((scheme != "smtp" && scheme != "smtps") || part_of(url.get(), CURLUPART_HOST).empty())
    return "--smtp-url takes smtp://host:587 or smtps://host:465.";
  if (!part_of(url.get(), CURLUPART_USER).empty() || !part_of(url.get(), CURLUPART_PASSWORD).empty())
    return "--smtp-url may hold no user and password: give --smtp-user and --smtp-password-file.";
  return std::nullopt;
}

std::unique_ptr<Transport> smtp_transport(SmtpSettings settings) { return std::make_unique<Smtp>(std::move(settings)); }

}  // namespace fealty::mail
