#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>

#include "adapters/legacy/http_client.hpp"
#include "tests/unit/legacy_raw_server.hpp"

namespace banyan::legacy {
namespace {

using testing_support::Connection;
using testing_support::RawServer;

template <auto Free>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Context = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;
using Session = std::unique_ptr<SSL, Freed<SSL_free>>;

void require(bool right) {
  if (!right) throw std::runtime_error("OpenSSL refused");
}

// A certificate that is its own authority, for the names given as OpenSSL writes them ("IP:127.0.0.1").
class Identity {
public:
  explicit Identity(const std::string& names) : key_(EVP_EC_gen("P-256")), certificate_(X509_new()) {
    X509* const certificate = certificate_.get();
    require(X509_set_version(certificate, 2) == 1);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    require(X509_set_pubkey(certificate, key_.get()) == 1);
    X509_NAME* const name = X509_get_subject_name(certificate);
    const unsigned char text[] = "test";
    require(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1, 0) == 1);
    require(X509_set_issuer_name(certificate, name) == 1);
    extend(NID_basic_constraints, "CA:TRUE");
    extend(NID_subject_alt_name, names);
    require(X509_sign(certificate, key_.get(), EVP_sha256()) != 0);
  }

  Context context() const {
    Context context(SSL_CTX_new(TLS_server_method()));
    require(SSL_CTX_use_certificate(context.get(), certificate_.get()) == 1);
    require(SSL_CTX_use_PrivateKey(context.get(), key_.get()) == 1);
    return context;
  }

  std::string written_to(const std::string& path) const {
    std::unique_ptr<FILE, Freed<std::fclose>> file(std::fopen(path.c_str(), "w"));
    require(file && PEM_write_X509(file.get(), certificate_.get()) == 1);
    return path;
  }

private:
  void extend(int kind, const std::string& value) {
    const std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>> extension(
        X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str()));
    require(extension && X509_add_ext(certificate_.get(), extension.get(), -1) == 1);
  }

  Key key_;
  Certificate certificate_;
};

class HttpClientTls : public testing::Test {
protected:
  // What a client that trusts `trusted` gets from a server that shows `shown`.
  static Answer<HttpResponse> call(const Identity& shown, const Identity* trusted) {
    const Context context = shown.context();
    RawServer server([&](Connection& connection) { serve(connection, context.get()); });
    // A file of this process alone: every test of this file runs in a process of its own, several at a time.
    const std::string path = testing::TempDir() + "/http_client_tls_test." + std::to_string(::getpid()) + ".pem";
    HttpOptions options;
    options.base_url = "https" + server.url().substr(4);
    if (trusted != nullptr) options.ca_file = trusted->written_to(path);
    HttpClient client(options);
    HttpRequest request;
    request.method = "POST";
    request.target = "/";
    request.body = "secret";
    request.write = true;
    auto answer = client.call(request, Deadline::after(SystemClock(), std::chrono::seconds(60)));
    std::remove(path.c_str());
    return answer;
  }

private:
  static void serve(Connection& connection, SSL_CTX* context) {
    const Session session(SSL_new(context));
    SSL_set_fd(session.get(), connection.socket());
    char request[4096];
    std::string received;
    const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    if (SSL_accept(session.get()) != 1) return;
    while (received.find("secret") == std::string::npos) {
      const int got = SSL_read(session.get(), request, sizeof request);
      if (got <= 0) return;
      received.append(request, static_cast<std::size_t>(got));
    }
    SSL_write(session.get(), answer.data(), static_cast<int>(answer.size()));
    SSL_shutdown(session.get());
  }
};

TEST_F(HttpClientTls, TrustsTheAuthoritiesOfItsFile) {
  const Identity identity("IP:127.0.0.1");
  const auto answer = call(identity, &identity);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body, "ok");
}

TEST_F(HttpClientTls, TrustsNobodyElse) {
  const Identity shown("IP:127.0.0.1");
  const Identity other("IP:127.0.0.1");
  for (const Identity* trusted : {static_cast<const Identity*>(nullptr), &other}) {
    const auto answer = call(shown, trusted);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, Failure::Kind::unavailable) << answer.error().message;
  }
}

TEST_F(HttpClientTls, RefusesACertificateForAnotherName) {
  const Identity identity("DNS:elsewhere.example,IP:127.0.0.2");
  const auto answer = call(identity, &identity);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, Failure::Kind::unavailable) << answer.error().message;
}

}  // namespace
}  // namespace banyan::legacy
