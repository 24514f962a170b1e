#pragma once

#include <openssl/ssl.h>

#include "sinew/tls/ticket_keys.hpp"

namespace sinew::tls {

// Sessions of `context` are resumed by tickets under `keys`, which outlive it; null: by nothing.
void resume_by_tickets(SSL_CTX& context, const TicketKeys* keys) noexcept;

}  // namespace sinew::tls
