// The one unit that compiles Boost.JSON itself.
#include <boost/json/src.hpp>
