#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>

namespace raw {

// A certificate authority made for one test, its certificate in a file of its own, and server
// certificates signed by it.

struct Freed {
  void operator()(X509* x) const { X509_free(x); }
  void operator()(EVP_PKEY* x) const { EVP_PKEY_free(x); }
  void operator()(SSL_CTX* x) const { SSL_CTX_free(x); }
};
using Certificate = std::unique_ptr<X509, Freed>;
using Key = std::unique_ptr<EVP_PKEY, Freed>;
using Context = std::unique_ptr<SSL_CTX, Freed>;

constexpr long kDay = 24 * 3600;

class Authority {
 public:
  Authority() : key_(EVP_EC_gen("P-256")) {
    certificate_ = unsigned_certificate("test authority", key_.get(), 10 * kDay);
    extend(certificate_.get(), NID_basic_constraints, "critical,CA:TRUE");
    sign(certificate_.get());
    const int fd = mkstemp(path_.data());
    FILE* file = fd < 0 ? nullptr : fdopen(fd, "w");
    if (!file || PEM_write_X509(file, certificate_.get()) != 1)
      throw std::runtime_error("no file for the test authority");
    fclose(file);
  }
  ~Authority() { unlink(path_.c_str()); }
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  const std::string& file() const { return path_; }

  // A server's side for the names, as in "DNS:a.test,IP:127.0.0.1", valid for that long from now
  // (below zero: it ended before).
  Context server(const std::string& names, long valid_s = 10 * kDay) const {
    const Key key(EVP_EC_gen("P-256"));
    const Certificate certificate = unsigned_certificate("server", key.get(), valid_s);
    extend(certificate.get(), NID_subject_alt_name, names);
    sign(certificate.get());
    Context context(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_use_certificate(context.get(), certificate.get());
    SSL_CTX_use_PrivateKey(context.get(), key.get());
    return context;
  }

 private:
  Certificate unsigned_certificate(const char* name, EVP_PKEY* key, long valid_s) const {
    Certificate made(X509_new());
    X509* x = made.get();
    static long serial = 0;
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(x), -20 * kDay);
    X509_gmtime_adj(X509_getm_notAfter(x), valid_s);
    X509_set_pubkey(x, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(certificate_ ? certificate_.get() : x));
    return made;
  }
  static void extend(X509* x, int nid, const std::string& value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
    X509_add_ext(x, extension, -1);
    X509_EXTENSION_free(extension);
  }
  void sign(X509* x) const {
    if (X509_sign(x, key_.get(), EVP_sha256()) == 0) throw std::runtime_error("not signed");
  }

  Key key_;
  Certificate certificate_;
  std::string path_ = "/tmp/elenchus_test_ca_XXXXXX";
};

}  // namespace raw
