#pragma once

#include <span>

#include "sinew/store/migration.hpp"

namespace commerce::payment {

std::span<const sinew::store::Migration> schema();

}  // namespace commerce::payment
