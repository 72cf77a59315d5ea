#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <filesystem>
#include "client.h"

namespace fealty::http {
namespace {

using test::Client;
using test::Gate;
using test::get;
using test::post;
using test::ServerTest;
using test::text;

template <class T, auto Free>
struct Freed {
  void operator()(T* p) const { Free(p); }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY, EVP_PKEY_free>>;

// A certificate that signs itself, and its key, as PEM files.
void write_certificate(std::string const& certificate_file, std::string const& key_file) {
  Key key(EVP_EC_gen("P-256"));
  std::unique_ptr<X509, Freed<X509, X509_free>> x(X509_new());
  X509_set_version(x.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(x.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(x.get()), 3600);
  X509_set_pubkey(x.get(), key.get());
  X509_NAME* name = X509_get_subject_name(x.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<unsigned char const*>("localhost"), -1, -1, 0);
  X509_set_issuer_name(x.get(), name);
  ASSERT_GT(X509_sign(x.get(), key.get(), EVP_sha256()), 0);
  std::FILE* f = std::fopen(certificate_file.c_str(), "w");
  ASSERT_TRUE(f);
  PEM_write_X509(f, x.get());
  std::fclose(f);
  f = std::fopen(key_file.c_str(), "w");
  ASSERT_TRUE(f);
  PEM_write_PrivateKey(f, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(f);
}

class TlsTest : public ServerTest {
 protected:
  TlsTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "fealty_tls_XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    settings.tls_certificate_file = folder_ + "/certificate.pem";
    settings.tls_key_file = folder_ + "/key.pem";
    write_certificate(settings.tls_certificate_file, settings.tls_key_file);
  }
  ~TlsTest() override { std::filesystem::remove_all(folder_); }

  std::string folder_;
};

class TlsClient {
 public:
  explicit TlsClient(std::uint16_t port, int version_max = TLS1_3_VERSION) : tcp_(port), context_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_set_security_level(context_.get(), 0);
    SSL_CTX_set_max_proto_version(context_.get(), version_max);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), tcp_.fd());
    timeval patience{test::kPatienceMs / 1000, 0};
    setsockopt(tcp_.fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    connected_ = SSL_connect(ssl_.get()) == 1;
  }
  bool connected() const { return connected_; }
  bool send(std::string_view bytes) {
    return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) == static_cast<int>(bytes.size());
  }
  // Everything until the server closes.
  std::string read_to_end() {
    std::string all;
    char buffer[16 * 1024];
    int n;
    while ((n = SSL_read(ssl_.get(), buffer, sizeof buffer)) > 0) all.append(buffer, static_cast<std::size_t>(n));
    clean_end_ = SSL_get_error(ssl_.get(), n) == SSL_ERROR_ZERO_RETURN;
    return all;
  }
  bool clean_end() const { return clean_end_; }

 private:
  Client tcp_;
  std::unique_ptr<SSL_CTX, Freed<SSL_CTX, SSL_CTX_free>> context_;
  std::unique_ptr<SSL, Freed<SSL, SSL_free>> ssl_;
  bool connected_ = false, clean_end_ = false;
};

std::size_t count(std::string const& text, std::string_view part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

TEST_F(TlsTest, AnswersOverTlsAndEndsCleanly) {
  bool secure = false;
  routes.get("/secure", [&](api::Context&, api::Request& request) {
    secure = request.secure;
    return text("yes");
  });
  routes.add_usual();
  start();
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClient client(port(), version);
    ASSERT_TRUE(client.connected());
    client.send(get("/hello") + post("/echo", std::string(100'000, 'e')));
    client.send(get("/secure", "Connection: close\r\n"));
    std::string all = client.read_to_end();
    EXPECT_EQ(count(all, "HTTP/1.1 200 OK"), 3u);
    EXPECT_NE(all.find("\r\n\r\n" + std::string(100'000, 'e') + "HTTP/1.1"), std::string::npos);
    EXPECT_TRUE(all.ends_with("yes"));
    EXPECT_TRUE(client.clean_end());
    EXPECT_TRUE(secure);
  }
}

TEST_F(TlsTest, RefusesOldVersionsAndPlainText) {
  routes.add_usual();
  start();
  EXPECT_FALSE(TlsClient(port(), TLS1_1_VERSION).connected());
  Client plain(port());
  plain.send(get("/hello"));
  EXPECT_FALSE(plain.read());
  EXPECT_TRUE(TlsClient(port()).connected());
}

TEST_F(TlsTest, StreamsUploadsAndShowsEarlyAnswers) {
  routes.upload("/count", [](api::Context&, api::Request& request) {
    std::array<char, 50'000> buffer;
    std::size_t total = 0;
    while (std::size_t n = request.stream->read(buffer)) total += n;
    return text("total=" + std::to_string(total));
  });
  routes.upload("/refuse", [](api::Context&, api::Request& request) -> Result<api::Answer> {
    std::array<char, 10> buffer;
    request.stream->read(buffer);
    return fail(errors::kForbidden, "No.");
  });
  start();
  TlsClient whole(port());
  whole.send(post("/count", std::string(2'000'000, 'x'), "Connection: close\r\n"));
  EXPECT_TRUE(whole.read_to_end().ends_with("total=2000000"));
  TlsClient early(port());
  // The rest of the body never comes: the answer must not wait for it.
  early.send("POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nfirst");
  EXPECT_TRUE(early.read_to_end().starts_with("HTTP/1.1 403 "));
}

// The waits of a live stream cancel reads of the connection again and again; what is written between them must stay whole.
TEST_F(TlsTest, StreamsAnswersWithWaitsAndNoticesAClientThatIsGone) {
  struct Events final : api::BodyStream {
    Events(int pieces, Gate& third_piece, Gate& destroyed)
        : left(pieces), third(pieces - 3), third_piece(third_piece), destroyed(destroyed) {}
    ~Events() override { destroyed.open(); }
    Next next(std::string& out) override {
      out.append(20'000, static_cast<char>('a' + --left % 26));
      if (left == third) third_piece.open();
      return {left == 0 ? Then::end : Then::wait, 2};
    }
    bool is_live() const override { return true; }
    int left, third;
    Gate &third_piece, &destroyed;
  };
  Gate begun[2], destroyed[2];
  auto add = [&](std::string path, int pieces, int n) {
    routes.get(path, [&, pieces, n](api::Context&, api::Request&) {
      api::Response response{.status = 200, .content_type = "text/plain"};
      response.stream = std::make_shared<Events>(pieces, begun[n], destroyed[n]);
      return api::Answer{.raw = std::move(response)};
    });
  };
  add("/events", 60, 0);
  add("/endless", 1'000'000, 1);
  routes.add_usual();
  start();
  TlsClient client(port());
  client.send(get("/events"));
  client.send(get("/hello", "Connection: close\r\n"));  // arrives while the stream waits
  std::string const all = client.read_to_end();
  for (char c = 'a'; c <= 'z'; ++c) EXPECT_GE(count(all, std::string(20'000, c)), 1u) << c;
  EXPECT_TRUE(all.ends_with("hello"));
  EXPECT_TRUE(client.clean_end());
  {
    TlsClient gone(port());
    gone.send(get("/endless"));
    ASSERT_TRUE(begun[1].wait());
    EXPECT_FALSE(destroyed[1].is_open());
  }
  EXPECT_TRUE(destroyed[1].wait());
  server.reset();  // before the gates
}

TEST_F(TlsTest, ClosesAHandshakeThatDoesNotMove) {
  limits().header_timeout_ms = 100;
  start();
  Client silent(port());
  EXPECT_TRUE(silent.closed());
}

TEST_F(TlsTest, SaysWhichFileItCannotUse) {
  auto message_of = [&](ServerSettings const& s) -> std::string {
    try {
      Server refused(s, routes.table, key, metrics);
    } catch (std::exception const& e) {
      return e.what();
    }
    return "";
  };
  ServerSettings one = settings;
  one.tls_key_file = "";
  EXPECT_NE(message_of(one).find("both"), std::string::npos);
  one.tls_key_file = folder_ + "/missing.pem";
  EXPECT_NE(message_of(one).find("missing.pem"), std::string::npos);
  write_certificate(folder_ + "/other.pem", folder_ + "/other_key.pem");
  one.tls_key_file = folder_ + "/other_key.pem";
  EXPECT_NE(message_of(one).find("other_key.pem"), std::string::npos);
}

}  // namespace
}  // namespace fealty::http
