#pragma once

#include <span>

#include "sinew/store/migration.hpp"

namespace commerce::inventory {

std::span<const sinew::store::Migration> schema();

}  // namespace commerce::inventory
