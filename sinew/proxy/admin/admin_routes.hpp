#pragma once

#include "sinew/http/router.hpp"
#include "sinew/proxy/admin/admin.hpp"

namespace sinew::proxy {

// The routes of one listener of the admin interface. `parts` outlives the router.
http::Router admin_routes(const AdminParts& parts, bool allow_remote);

}  // namespace sinew::proxy
