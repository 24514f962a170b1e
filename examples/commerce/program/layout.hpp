#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "examples/commerce/replay/target.hpp"
#include "sinew/async/runtime.hpp"
#include "sinew/base/secret.hpp"

// What is where in a system's folder:
//
//   <context>/<context>.db, <context>/drop/<name>/   of each context
//   broker/broker.db, provider/payments.db           of the broker and the sandbox provider
//   hosts/<name>.json, operator.token                of running hosts
//   log/*.log, *.secret, commerce.lock
namespace commerce::program {

// The contexts in the order of their ports.
inline constexpr std::string_view context_names[] = {"sales", "inventory", "payment", "fulfillment",
                                                     "reporting"};

std::filesystem::path log_file(const std::filesystem::path& folder, std::string_view process);
std::filesystem::path provider_folder(const std::filesystem::path& folder);
std::filesystem::path provider_database(const std::filesystem::path& folder);
std::filesystem::path provider_key_file(const std::filesystem::path& folder);
std::filesystem::path carrier_secret_file(const std::filesystem::path& folder);

// Makes the folder with its log/. Errors: unauthorized, exhausted.
void create_layout(const std::filesystem::path& folder);

// The text of a secret's file, drawn and written (for its owner only) when there is none. Errors:
// unauthorized, corrupt.
sinew::Secret secret_in(const std::filesystem::path& file, sinew::async::Runtime& runtime);

// The master key of personal data where the configuration names none: personal.key in the folder. A
// system that keeps backups of the folder names one that lies elsewhere. Errors: as above.
sinew::Secret own_master_key(const std::filesystem::path& folder, sinew::async::Runtime& runtime);

// Throws not_found, with what to do, when the folder never held a system.
void require_system(const std::filesystem::path& folder);

// Where the replay finds a running system. Errors: not_found (nothing runs there), corrupt.
replay::Target target_of(const std::filesystem::path& folder);

}  // namespace commerce::program
