#pragma once

#include <span>

#include "sinew/store/migration.hpp"

namespace commerce::sales {

std::span<const sinew::store::Migration> schema();

}  // namespace commerce::sales
