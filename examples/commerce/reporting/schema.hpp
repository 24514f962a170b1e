#pragma once

#include <span>

#include "sinew/store/migration.hpp"

namespace commerce::reporting {

std::span<const sinew::store::Migration> schema();

}  // namespace commerce::reporting
