#pragma once

#include <span>

#include "sinew/store/migration.hpp"

namespace commerce::fulfillment {

std::span<const sinew::store::Migration> schema();

}  // namespace commerce::fulfillment
