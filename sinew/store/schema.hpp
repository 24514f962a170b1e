#pragma once

#include "sinew/store/migration.hpp"

namespace sinew::store {

// The tables of this module: inbox, inbox_clock, outbox, outbox_keys, checkpoints. Component
// `sinew.store`. A host applies it to every context's database before the context's own migrations.
MigrationSet store_migrations();

}  // namespace sinew::store
