#include "sinew/tls/certificate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "sinew/tls/test_certificates.hpp"

namespace sinew::tls {
namespace {

using namespace test;
using testing::HasSubstr;
using testing::StartsWith;

std::string problem_of(const std::string& chain, const std::string& key) {
  const auto made = Certificate::from_pem(chain, Secret(key), "shop");
  return made ? "none" : made.error();
}

TEST(Certificate, TellsWhatItSays) {
  const Authority authority("Own");

  const Certificate made = authority.certificate({.common_name = "shop",
                                                  .names = "DNS:shop.test",
                                                  .not_before = 1'000'000'000,
                                                  .not_after = 2'000'000'000});

  EXPECT_EQ(made.name(), "shop");
  EXPECT_EQ(made.details().subject, "CN=shop");
  EXPECT_EQ(made.details().issuer, "CN=Own");
  EXPECT_THAT(made.details().dns_names, testing::ElementsAre("shop.test"));
  EXPECT_EQ(to_rfc3339(made.details().not_before), "2001-09-09T01:46:40Z");
  EXPECT_EQ(to_rfc3339(made.details().not_after), "2033-05-18T03:33:20Z");
}

TEST(Certificate, SaysWhatIsWrongWithIt) {
  const Authority authority;
  const Pem good = authority.issue({});
  const Pem other = authority.issue({});
  std::string damaged = good.certificate;
  damaged.replace(damaged.size() / 2, 8, "!!!!!!!!");
  EXPECT_EQ(problem_of(good.certificate, good.key), "none");
  EXPECT_THAT(problem_of("", good.key), HasSubstr("shop: there is no certificate in it"));
  EXPECT_THAT(problem_of(good.key, good.key), HasSubstr("shop: there is no certificate in it"));
  EXPECT_THAT(problem_of(damaged, good.key), HasSubstr("certificate 1 in it cannot be read"));
  EXPECT_THAT(problem_of(good.certificate + damaged, good.key),
              HasSubstr("certificate 2 in it cannot be read"));
  EXPECT_THAT(problem_of(good.certificate, good.certificate),
              StartsWith("shop: the key cannot be read (PEM, -----BEGIN PRIVATE KEY-----)"));
  EXPECT_EQ(problem_of(good.certificate, other.key),
            "shop: the key does not belong to the certificate CN=test of shop");
}

TEST(Certificate, NeverAsksForAPassPhrase) {
  const Authority authority;
  const Pem pem = authority.issue({});
  EXPECT_EQ(problem_of(pem.certificate, encrypted(pem.key, "secret")),
            "shop: the key is encrypted; give it without a pass phrase");
}

TEST(Certificate, WarnsOfItsEnd) {
  const Authority authority;
  const Certificate made =
      authority.certificate({.not_before = 1'000'000'000, .not_after = 2'000'000'000});
  const auto at = [](std::int64_t seconds) { return from_micros(seconds * 1'000'000); };

  EXPECT_EQ(made.warning(at(1'500'000'000)), std::nullopt);
  EXPECT_THAT(*made.warning(at(999'999'999)), HasSubstr("is not valid before 2001-09-09"));
  EXPECT_THAT(*made.warning(at(2'000'000'001)),
              HasSubstr("CN=test has expired at 2033-05-18T03:33:20Z"));
  EXPECT_THAT(*made.warning(at(2'000'000'000 - 86'400)), HasSubstr("expires soon, at 2033-05-18"));
}

TEST(Certificate, ReadsFilesAndNamesTheOneThatIsWrong) {
  const std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) / ("tls" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const auto write = [&](const char* name, const std::string& text) {
    std::FILE* file = std::fopen((folder / name).c_str(), "wb");
    std::fwrite(text.data(), 1, text.size(), file);
    std::fclose(file);
    return (folder / name).string();
  };
  const Authority authority;
  const Pem pem = authority.issue({});
  const std::string chain = write("chain.pem", pem.certificate + authority.pem());
  const std::string key = write("key.pem", pem.key);
  const std::string large = write("large.pem", std::string(1024 * 1024 + 1, ' '));
  const std::string absent = (folder / "absent.pem").string();

  EXPECT_TRUE(Certificate::from_files(chain, key));
  EXPECT_EQ(Certificate::from_files(absent, key).error(),
            absent + " cannot be read: No such file or directory");
  EXPECT_EQ(Certificate::from_files(chain, folder.string()).error(),
            folder.string() + " cannot be read: Is a directory");
  EXPECT_THAT(Certificate::from_files(large, key).error(), HasSubstr("is larger than 1048576"));
  EXPECT_THAT(Certificate::from_files(chain, chain).error(),
              StartsWith(chain + ": the key cannot be read"));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace sinew::tls
