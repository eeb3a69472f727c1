#pragma once

#include <memory>
#include <string>
#include <string_view>

struct ssl_ctx_st;  // OpenSSL's SSL_CTX and SSL: few files need its headers
struct ssl_st;

namespace http {

struct TlsFree {
  void operator()(ssl_ctx_st* context) const;
  void operator()(ssl_st* session) const;
};
using TlsSession = std::unique_ptr<ssl_st, TlsFree>;

// What all TLS connections of a client share: the trusted certificates and TLS 1.2 at least.
//
// OpenSSL is used directly and not through asio::ssl::stream, which keeps two buffers of 17 KiB
// and a memory pipe of 34 KiB for each connection; thousands of them are open at once here.
class TlsContext {
 public:
  // Empty: OpenSSL's defaults, which honour SSL_CERT_FILE and SSL_CERT_DIR.
  // Throws std::runtime_error if the file cannot be read as certificates.
  explicit TlsContext(const std::string& ca_file);

  // A session over the non-blocking socket that will accept only a certificate for `host`, a name
  // or an IP address. The socket stays the caller's. Throws std::runtime_error if OpenSSL fails.
  TlsSession session(int socket, const std::string& host) const;

 private:
  std::unique_ptr<ssl_ctx_st, TlsFree> context_;
};

}  // namespace http
