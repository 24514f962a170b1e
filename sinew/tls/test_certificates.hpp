#pragma once

#include <ctime>
#include <memory>
#include <string>

#include "sinew/tls/certificate.hpp"

// Certificates made when a test runs: none that is committed can expire.
namespace sinew::tls::test {

enum class KeyKind { elliptic, rsa, weak_rsa };

struct Issue {
  std::string common_name = "test";
  std::string names = {};  // OpenSSL's words: DNS:a.test,IP:127.0.0.1,URI:spiffe://test/a
  std::string usage = "serverAuth,clientAuth";
  std::time_t not_before = 0;             // 1970-01-01
  std::time_t not_after = 4'070'908'800;  // 2099-01-01
  KeyKind key = KeyKind::elliptic;
};

struct Pem {
  std::string certificate;
  std::string key;
};

// An authority that signs what a test asks for.
class Authority {
 public:
  explicit Authority(const std::string& name = "Test Authority");
  ~Authority();

  std::string pem() const;
  Pem issue(const Issue& issue) const;
  Certificate certificate(const Issue& issue) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A private key under a pass phrase.
std::string encrypted(const std::string& key, const std::string& pass_phrase);

}  // namespace sinew::tls::test
